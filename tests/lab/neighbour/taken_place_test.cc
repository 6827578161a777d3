// What others do to the tap's own place: they remove it, detach it by force, replace it, take its priority, come in
// front of it. Each is noticed, and mended without touching theirs.
#include <bpf/bpf.h>
#include <gmock/gmock.h>
#include <linux/pkt_cls.h>

#include <cstdio>

#include "lab/neighbour/neighbour_lab.h"
#include "tap/attach.h"
#include "tap/tc_filter.h"
#include "tap/tcx.h"

namespace rpctee::test {
namespace {

using tap::AttachMode;
using tap::Direction;
using tap::Presence;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

// A descriptor of the link that holds the program, as anyone with CAP_SYS_ADMIN can get it.
Fd LinkOf(uint32_t program_id) {
  uint32_t id = 0;
  while (bpf_link_get_next_id(id, &id) == 0) {
    Fd link(bpf_link_get_fd_by_id(id));
    bpf_link_info info{};
    uint32_t bytes = sizeof(info);
    if (link.valid() && bpf_obj_get_info_by_fd(link.get(), &info, &bytes) == 0 && info.prog_id == program_id) {
      return link;
    }
  }
  return Fd();
}

class TakenPlace : public NeighbourLab {
 protected:
  void SetUp() override {
    NeighbourLab::SetUp();
    if (IsSkipped()) {
      return;
    }
    tap_ = OpenTap();
    ASSERT_NE(tap_, nullptr);
    theirs_ = Load(TC_ACT_UNSPEC);
    ASSERT_NE(theirs_, nullptr);
  }
  void TearDown() override {
    tap_.reset();
    NeighbourLab::TearDown();
  }

  void Attach(AttachMode mode) {
    const auto attached = tap_->Attach(ifindex(), Direction::kEgress, mode);
    ASSERT_TRUE(attached) << attached.error().message;
  }
  Presence Look() const {
    const auto sighting = tap_->Look(ifindex(), Direction::kEgress);
    EXPECT_TRUE(sighting) << sighting.error().message;
    return sighting ? sighting->presence : Presence::kInterfaceGone;
  }
  std::vector<tap::Neighbour> Ahead() const { return tap_->Look(ifindex(), Direction::kEgress).value().ahead; }
  uint32_t OurId() const { return tap::TcxPrograms(ifindex(), Direction::kEgress).at(0); }
  tap::TcFilter OurFilter() const {
    const auto filters = tap::ListFilters(ifindex(), Direction::kEgress);
    for (const tap::TcFilter& filter : *filters) {
      if (filter.name.starts_with("rpctee_tap")) {
        return filter;
      }
    }
    ADD_FAILURE() << "no filter of ours";
    return {};
  }
  // Both programs see a whole exchange; ours frames all its requests.
  void ExpectBothSee() {
    tap_->Heartbeat(0);
    const uint64_t theirs_before = theirs_->packets();
    const uint64_t seen_before = Counter(*tap_, "seen");
    EXPECT_TRUE(Exchange());
    EXPECT_GT(theirs_->packets(), theirs_before);
    EXPECT_TRUE(Eventually([&] { return Counter(*tap_, "seen") == seen_before + kRequests; }));
  }

  std::unique_ptr<tap::Tap> tap_;
  std::unique_ptr<Neighbour> theirs_;
};

TEST_F(TakenPlace, ALinkThatIsDetachedByForceIsNoticedAndPutBack) {
  ASSERT_TRUE(theirs_->AttachTcx(ifindex(), Direction::kEgress, tap::TcxOrder::kLast));
  Attach(AttachMode::kTcx);
  const std::vector<std::string> before = State(OurId());
  EXPECT_EQ(Look(), Presence::kAttached);
  ASSERT_EQ(bpf_link_detach(LinkOf(OurId()).get()), 0);
  EXPECT_EQ(Look(), Presence::kRemoved);
  Attach(AttachMode::kTcx);
  EXPECT_EQ(Look(), Presence::kAttached);
  EXPECT_EQ(State(OurId()), before);
  ExpectBothSee();
}

TEST_F(TakenPlace, AProgramThatWasPutIntoOurLinkStaysAndOursComesBackBesideIt) {
  Attach(AttachMode::kTcx);
  ASSERT_EQ(bpf_link_update(LinkOf(OurId()).get(), theirs_->fd(), nullptr), 0);
  EXPECT_EQ(Look(), Presence::kReplaced);
  Attach(AttachMode::kTcx);
  EXPECT_EQ(Look(), Presence::kAttached);
  EXPECT_THAT(Ahead(), IsEmpty());
  ExpectBothSee();
  tap_->Detach(ifindex(), Direction::kEgress);
  EXPECT_THAT(State(0), ElementsAre("tcx " + std::to_string(theirs_->id())));
}

TEST_F(TakenPlace, AFilterThatIsDeletedIsNoticedAndPutBack) {
  ASSERT_TRUE(theirs_->AttachClsact(ifindex(), Direction::kEgress, 7, 0x42));
  const std::vector<std::string> before = State(0);
  Attach(AttachMode::kClsact);
  Run("tc filter del dev tap0 egress prio " + std::to_string(OurFilter().priority));
  EXPECT_EQ(Look(), Presence::kRemoved);
  EXPECT_EQ(State(0), before);
  Attach(AttachMode::kClsact);
  EXPECT_EQ(Look(), Presence::kAttached);
  EXPECT_EQ(State(0), before);
  ExpectBothSee();
}

TEST_F(TakenPlace, AQdiscThatIsDeletedTakesTheFilterAndNotTheLink) {
  ASSERT_TRUE(theirs_->AttachTcx(ifindex(), Direction::kEgress, tap::TcxOrder::kLast));
  Attach(AttachMode::kClsact);
  Run("tc qdisc del dev tap0 clsact");
  EXPECT_EQ(Look(), Presence::kRemoved);
  Attach(AttachMode::kClsact);
  ExpectBothSee();
  tap_->Detach(ifindex(), Direction::kEgress);
  Attach(AttachMode::kTcx);
  Run("tc qdisc del dev tap0 clsact");
  EXPECT_EQ(Look(), Presence::kAttached);
  ExpectBothSee();
}

TEST_F(TakenPlace, AFilterThatReplacedOursStaysAndOursGoesToTheNextPriority) {
  Attach(AttachMode::kClsact);
  const tap::TcFilter ours = OurFilter();
  ASSERT_TRUE(theirs_->ReplaceClsact(ifindex(), Direction::kEgress, ours.priority, ours.handle));
  EXPECT_EQ(Look(), Presence::kReplaced);
  const std::string theirs_line = Run("tc filter show dev tap0 egress");
  Attach(AttachMode::kClsact);
  EXPECT_EQ(Look(), Presence::kAttached);
  EXPECT_EQ(OurFilter().priority, ours.priority + 1);
  EXPECT_THAT(Run("tc filter show dev tap0 egress"), ::testing::StartsWith(theirs_line));
  EXPECT_THAT(Ahead(), ElementsAre(AllOf(Field(&tap::Neighbour::program_id, theirs_->id()),
                                         Field(&tap::Neighbour::priority, ours.priority),
                                         Field(&tap::Neighbour::handle, ours.handle))));
  ExpectBothSee();
  tap_->Detach(ifindex(), Direction::kEgress);
  EXPECT_EQ(Run("tc filter show dev tap0 egress"), theirs_line);
}

TEST_F(TakenPlace, OursIsPutBackAlsoWhenOthersWhoShareItsPriorityEmptyIt) {
  Attach(AttachMode::kClsact);
  const uint32_t priority = OurFilter().priority;
  ASSERT_TRUE(theirs_->AttachClsact(ifindex(), Direction::kEgress, priority, 0x42));
  EXPECT_EQ(Look(), Presence::kAttached);
  ExpectBothSee();
  Run("tc filter del dev tap0 egress prio " + std::to_string(priority));
  EXPECT_EQ(Look(), Presence::kRemoved);
  ASSERT_TRUE(theirs_->AttachClsact(ifindex(), Direction::kEgress, priority, 0x42));
  Attach(AttachMode::kClsact);
  EXPECT_EQ(OurFilter().priority, priority + 1);
  ExpectBothSee();
}

TEST_F(TakenPlace, ATakenPriorityAndHandleAreLeftToTheirOwner) {
  Attach(AttachMode::kClsact);
  const tap::TcFilter ours = OurFilter();
  tap_->Detach(ifindex(), Direction::kEgress);
  ASSERT_TRUE(theirs_->AttachClsact(ifindex(), Direction::kEgress, ours.priority, ours.handle));
  const std::string theirs_line = Run("tc filter show dev tap0 egress");
  Attach(AttachMode::kClsact);
  EXPECT_EQ(OurFilter().priority, ours.priority + 1);
  ExpectBothSee();
  tap_.reset();
  EXPECT_EQ(Run("tc filter show dev tap0 egress"), theirs_line);
}

TEST_F(TakenPlace, WhoComesInFrontLaterIsTold) {
  Attach(AttachMode::kTcx);
  EXPECT_THAT(Ahead(), IsEmpty());
  ASSERT_TRUE(theirs_->AttachTcx(ifindex(), Direction::kEgress, tap::TcxOrder::kFirst));
  EXPECT_EQ(Look(), Presence::kAttached);
  EXPECT_THAT(Ahead(), ElementsAre(AllOf(Field(&tap::Neighbour::program_id, theirs_->id()),
                                         Field(&tap::Neighbour::name, "neighbour"))));
  ExpectBothSee();
}

TEST_F(TakenPlace, AnInterfaceThatIsGoneIsToldFromARemovedProgram) {
  for (const AttachMode mode : {AttachMode::kTcx, AttachMode::kClsact}) {
    Run("ip link add gone0 type veth peer name gone1");
    const uint32_t index = Index("gone0");
    ASSERT_TRUE(tap_->Attach(index, Direction::kEgress, mode));
    Run("ip link del gone0");
    const auto sighting = tap_->Look(index, Direction::kEgress);
    ASSERT_TRUE(sighting);
    EXPECT_EQ(sighting->presence, Presence::kInterfaceGone);
    tap_->Detach(index, Direction::kEgress);
  }
}

TEST_F(TakenPlace, WhatWasNeverAttachedCountsAsRemoved) { EXPECT_EQ(Look(), Presence::kRemoved); }

}  // namespace
}  // namespace rpctee::test
