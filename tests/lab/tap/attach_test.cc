// Attaching by tcx and by clsact, next to others' filters, after crashes, and to interfaces that vanish.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "lab/tap/namespace_lab.h"
#include "tap/attach.h"
#include "tap/tap.h"

namespace rpctee::tap {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

size_t Count(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

class AttachLab : public test::NamespaceLab {
 protected:
  void SetUp() override {
    NamespaceLab::SetUp();
    if (IsSkipped()) {
      return;
    }
    MakeVeth("tap0", "tap1");
    index_ = Index("tap0");
    tap_ = Open("");
  }
  void TearDown() override {
    tap_.reset();
    NamespaceLab::TearDown();
  }
  static std::unique_ptr<Tap> Open(const std::string& pin_directory) {
    auto tap = Tap::Open({.pin_directory = pin_directory, .ring_bytes = 4'096});
    EXPECT_TRUE(tap) << tap.error().message;
    return tap ? std::move(*tap) : nullptr;
  }
  static std::string Filters(const std::string& direction) { return Run("tc filter show dev tap0 " + direction); }
  // By the name of either program: older kernels get the other one.
  static size_t OurFilters(const std::string& direction) {
    const std::string filters = Filters(direction);
    return Count(filters, "rpctee_tap:[") + Count(filters, "rpctee_tap_old:[");
  }
  static std::string Packets(const Tap& tap) { return std::to_string(tap.Counters().value().front().value); }
  // A packet out of tap0: at the least the question for the neighbour's address.
  static void SendPacket() {
    Run("ip addr replace 10.1.0.1/24 dev tap0");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0x0a01'0002);
    address.sin_port = htons(9);
    const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ::sendto(socket.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    // A fresh entry, so that the next packet asks again.
    Run("ip neigh flush dev tap0");
  }
  static std::string AddForeign(const std::string& where) {
    Run("tc filter add dev tap0 egress " + where + " bpf bytecode '1,6 0 0 0,'");
    return Filters("egress");
  }
  // As an agent that attaches by `mode` and is killed.
  int CrashAttached(AttachMode mode, const std::string& pin_directory) {
    return RunAndDie([&] {
      Tap* const doomed = Open(pin_directory).release();
      return doomed != nullptr && doomed->Attach(index_, Direction::kEgress, mode) ? kAttached : 1;
    });
  }
  static constexpr int kAttached = 9;

  uint32_t index_ = 0;
  std::unique_ptr<Tap> tap_;
};

TEST_F(AttachLab, TcxSeesPacketsUntilItIsDetached) {
  tap_->Heartbeat(0);
  const auto attached = tap_->Attach(index_, Direction::kEgress, AttachMode::kAuto);
  ASSERT_TRUE(attached) << attached.error().message;
  if (attached->hook != Hook::kTcx) {
    GTEST_SKIP() << "this kernel has no tcx";
  }
  EXPECT_EQ(attached->interface, "tap0");
  EXPECT_EQ(attached->ifindex, index_);
  SendPacket();
  EXPECT_NE(Packets(*tap_), "0");
  EXPECT_THAT(Run("tc qdisc show dev tap0"), Not(HasSubstr("clsact")));
  tap_->Detach(index_, Direction::kEgress);
  EXPECT_THAT(tap_->Attachments(), IsEmpty());
  const std::string before = Packets(*tap_);
  SendPacket();
  EXPECT_EQ(Packets(*tap_), before);
}

TEST_F(AttachLab, ClsactSeesPacketsUntilItIsDetached) {
  const auto attached = tap_->Attach(index_, Direction::kEgress, AttachMode::kClsact);
  ASSERT_TRUE(attached) << attached.error().message;
  EXPECT_EQ(attached->hook, Hook::kClsact);
  EXPECT_EQ(OurFilters("egress"), 1U);
  SendPacket();
  EXPECT_NE(Packets(*tap_), "0");
  tap_->Detach(index_, Direction::kEgress);
  EXPECT_EQ(OurFilters("egress"), 0U);
  EXPECT_THAT(Run("tc qdisc show dev tap0"), HasSubstr("clsact"));
}

TEST_F(AttachLab, BothDirectionsAreSeparate) {
  ASSERT_TRUE(tap_->Attach(index_, Direction::kIngress, AttachMode::kClsact));
  EXPECT_EQ(OurFilters("ingress"), 1U);
  EXPECT_EQ(OurFilters("egress"), 0U);
  ASSERT_TRUE(tap_->Attach(index_, Direction::kEgress, AttachMode::kClsact));
  EXPECT_THAT(tap_->Attachments(), SizeIs(2));
  tap_->Detach(index_, Direction::kIngress);
  EXPECT_EQ(OurFilters("ingress"), 0U);
  EXPECT_EQ(OurFilters("egress"), 1U);
}

class ReplyAttachLab : public AttachLab, public ::testing::WithParamInterface<AttachMode> {
 protected:
  void SetUp() override {
    AttachLab::SetUp();
    if (IsSkipped()) {
      return;
    }
    auto tap = Tap::Open({.ring_bytes = 4'096, .replies = true});
    ASSERT_TRUE(tap) << tap.error().message;
    tap_ = std::move(*tap);
  }
  static inline const Side kIngressReplies{Direction::kIngress, Program::kReplies};
};

TEST_P(ReplyAttachLab, BothProgramsShareAHookAndAreNoNeighbours) {
  const std::vector<Side> sides = {Direction::kIngress, kIngressReplies};
  for (const Side side : sides) {
    ASSERT_TRUE(tap_->Attach(index_, side, GetParam()));
  }
  EXPECT_THAT(tap_->Attachments(), SizeIs(2));
  for (const Side side : sides) {
    const Result<Sighting> sighting = tap_->Look(index_, side);
    ASSERT_TRUE(sighting);
    EXPECT_EQ(sighting->presence, Presence::kAttached);
    EXPECT_THAT(sighting->ahead, IsEmpty());
  }
  tap_->Detach(index_, Direction::kIngress);
  EXPECT_EQ(tap_->Look(index_, kIngressReplies)->presence, Presence::kAttached);
  EXPECT_EQ(tap_->Look(index_, Direction::kIngress)->presence, Presence::kRemoved);
  tap_->Detach(index_, kIngressReplies);
  EXPECT_EQ(Count(Filters("ingress"), "rpctee"), 0U);
}

INSTANTIATE_TEST_SUITE_P(Hooks, ReplyAttachLab, ::testing::Values(AttachMode::kAuto, AttachMode::kClsact),
                         [](const ::testing::TestParamInfo<AttachMode>& row) {
                           return std::string(row.param == AttachMode::kAuto ? "Auto" : "Clsact");
                         });

TEST_F(AttachLab, AProgramThatWasNotLoadedIsNotAttached) {
  const Side replies{Direction::kIngress, Program::kReplies};
  EXPECT_FALSE(tap_->Attach(index_, replies, AttachMode::kAuto));
  EXPECT_THAT(tap_->Attachments(), IsEmpty());
}

TEST_F(AttachLab, AttachingTwiceChangesNothing) {
  for (const AttachMode mode : {AttachMode::kAuto, AttachMode::kClsact}) {
    ASSERT_TRUE(tap_->Attach(index_, Direction::kEgress, mode));
    const std::string before = Filters("egress");
    ASSERT_TRUE(tap_->Attach(index_, Direction::kEgress, mode));
    EXPECT_EQ(Filters("egress"), before);
    EXPECT_THAT(tap_->Attachments(), SizeIs(1));
    tap_->Detach(index_, Direction::kEgress);
  }
}

TEST_F(AttachLab, AFilterThatSomeoneRemovedIsPutBack) {
  ASSERT_TRUE(tap_->Attach(index_, Direction::kEgress, AttachMode::kClsact));
  Run("tc qdisc del dev tap0 clsact");
  ASSERT_TRUE(tap_->Attach(index_, Direction::kEgress, AttachMode::kClsact));
  EXPECT_EQ(OurFilters("egress"), 1U);
}

TEST_F(AttachLab, NothingIsLeftWhenTheTapGoes) {
  ASSERT_TRUE(tap_->Attach(index_, Direction::kEgress, AttachMode::kClsact));
  ASSERT_TRUE(tap_->Attach(index_, Direction::kIngress, AttachMode::kAuto));
  tap_.reset();
  EXPECT_EQ(Filters("egress"), "");
  EXPECT_EQ(Filters("ingress"), "");
}

TEST_F(AttachLab, FiltersOfOthersStayAsTheyWere) {
  Run("tc qdisc add dev tap0 clsact");
  AddForeign("protocol ip prio 7");
  const std::string before = AddForeign("");  // at the priority that the kernel chooses
  for (const AttachMode mode : {AttachMode::kAuto, AttachMode::kClsact}) {
    const auto attached = tap_->Attach(index_, Direction::kEgress, mode);
    ASSERT_TRUE(attached) << attached.error().message;
    EXPECT_THAT(Filters("egress"), HasSubstr(before));
    tap_->Detach(index_, Direction::kEgress);
    EXPECT_EQ(Filters("egress"), before);
  }
}

TEST_F(AttachLab, APriorityThatOthersUseIsLeftToThem) {
  Run("tc qdisc add dev tap0 clsact");
  const std::string before = AddForeign("protocol ip prio " + std::to_string(kFirstPriority));
  const auto attached = tap_->Attach(index_, Direction::kEgress, AttachMode::kClsact);
  ASSERT_TRUE(attached) << attached.error().message;
  EXPECT_THAT(Filters("egress"), HasSubstr("pref " + std::to_string(kFirstPriority + 1) + " bpf"));
  tap_->Detach(index_, Direction::kEgress);
  EXPECT_EQ(Filters("egress"), before);
}

TEST_F(AttachLab, AFilterThatTookOurPlaceIsNotRemoved) {
  ASSERT_TRUE(tap_->Attach(index_, Direction::kEgress, AttachMode::kClsact));
  const std::string ours = Filters("egress");
  const size_t handle = ours.find("handle ");
  ASSERT_NE(handle, std::string::npos);
  const std::string priority = "prio " + std::to_string(kFirstPriority);
  Run("tc filter del dev tap0 egress " + priority);
  const std::string before = AddForeign(priority + " " + ours.substr(handle, ours.find(' ', handle + 7) - handle));
  tap_->Detach(index_, Direction::kEgress);
  EXPECT_EQ(Filters("egress"), before);
}

TEST_F(AttachLab, WhatACrashLeftByClsactIsReplacedNotDuplicated) {
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(CrashAttached(AttachMode::kClsact, ""), kAttached);
    ASSERT_EQ(OurFilters("egress"), 1U);
  }
  const std::string leftover = Filters("egress");
  ASSERT_TRUE(tap_->Attach(index_, Direction::kEgress, AttachMode::kClsact));
  EXPECT_EQ(OurFilters("egress"), 1U);
  EXPECT_NE(Filters("egress"), leftover);
  SendPacket();
  EXPECT_NE(Packets(*tap_), "0");
}

TEST_F(AttachLab, WhatACrashLeftByClsactGoesWhenTcxTakesOver) {
  ASSERT_EQ(CrashAttached(AttachMode::kClsact, ""), kAttached);
  ASSERT_EQ(OurFilters("egress"), 1U);
  const auto attached = tap_->Attach(index_, Direction::kEgress, AttachMode::kTcx);
  if (!attached) {
    GTEST_SKIP() << attached.error().message;
  }
  EXPECT_EQ(OurFilters("egress"), 0U);
}

TEST_F(AttachLab, ATcxLinkDiesWithItsProcess) {
  if (CrashAttached(AttachMode::kTcx, bpffs() + "/rpctee") != kAttached) {
    GTEST_SKIP() << "this kernel has no tcx";
  }
  // The crash left the counters pinned, so they tell whether the program still runs.
  const std::string counters = "bpftool -j map dump pinned " + bpffs() + "/rpctee/counters";
  const std::string before = Run(counters);
  SendPacket();
  EXPECT_EQ(Run(counters), before);
}

TEST_F(AttachLab, AnotherAgentThatLivesKeepsItsFilter) {
  const std::unique_ptr<Tap> other = Open(bpffs() + "/other");
  ASSERT_TRUE(other->Attach(index_, Direction::kEgress, AttachMode::kClsact));
  const std::string before = Filters("egress");
  for (const AttachMode mode : {AttachMode::kAuto, AttachMode::kClsact}) {
    ASSERT_TRUE(tap_->Attach(index_, Direction::kEgress, mode));
    EXPECT_THAT(Filters("egress"), HasSubstr(before));
    tap_->Detach(index_, Direction::kEgress);
    EXPECT_EQ(Filters("egress"), before);
  }
  SendPacket();
  EXPECT_NE(Packets(*other), "0");
}

TEST_F(AttachLab, AnInterfaceThatIsGoneIsAnOrdinaryError) {
  for (const AttachMode mode : {AttachMode::kAuto, AttachMode::kTcx, AttachMode::kClsact}) {
    const auto attached = tap_->Attach(4'711, Direction::kEgress, mode);
    ASSERT_FALSE(attached);
    EXPECT_THAT(attached.error().message, HasSubstr("gone"));
  }
}

TEST_F(AttachLab, AReusedIndexIsAttachedAnewWithOrWithoutADetach) {
  for (const AttachMode mode : {AttachMode::kAuto, AttachMode::kClsact}) {
    for (const bool told : {true, false}) {
      ASSERT_TRUE(tap_->Attach(index_, Direction::kEgress, mode));
      Run("ip link del tap0");
      if (told) {
        tap_->Detach(index_, Direction::kEgress);
        EXPECT_THAT(tap_->Attachments(), IsEmpty());
      }
      Run("ip link add tap0 index " + std::to_string(index_) + " type veth peer name tap1");
      Run("ip link set tap0 up && ip link set tap1 up");
      const std::string before = Packets(*tap_);
      const auto attached = tap_->Attach(index_, Direction::kEgress, mode);
      ASSERT_TRUE(attached) << attached.error().message;
      SendPacket();
      EXPECT_NE(Packets(*tap_), before);
      tap_->Detach(index_, Direction::kEgress);
    }
  }
}

TEST_F(AttachLab, AnInterfaceWithoutEthernetHeadersIsRefused) {
  Run("ip tuntap add dev tun0 mode tun");
  const auto attached = tap_->Attach(Index("tun0"), Direction::kEgress, AttachMode::kAuto);
  ASSERT_FALSE(attached);
  EXPECT_THAT(attached.error().message, HasSubstr("no Ethernet header"));
}

TEST_F(AttachLab, ManyRoundsLeaveNothingBehind) {
  for (int i = 0; i < 200; ++i) {
    const AttachMode mode = i % 2 == 0 ? AttachMode::kAuto : AttachMode::kClsact;
    ASSERT_TRUE(tap_->Attach(index_, Direction::kEgress, mode));
    tap_->Detach(index_, Direction::kEgress);
  }
  EXPECT_EQ(Filters("egress"), "");
}

}  // namespace
}  // namespace rpctee::tap
