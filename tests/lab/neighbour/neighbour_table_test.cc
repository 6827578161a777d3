// The table of other people's programs: in front of ours and behind it, at tcx and in clsact, with each verdict. In
// each case theirs stays as it is and has its way, and traffic flows or not exactly as without us.
#include <gtest/gtest.h>
#include <linux/pkt_cls.h>

#include <cstdio>
#include <ostream>

#include "lab/neighbour/neighbour_lab.h"
#include "tap/tcx.h"

namespace rpctee::test {
namespace {

using tap::Direction;
using tap::Hook;

enum class Position { kAhead, kBehind };

struct Case {
  const char* name;
  Hook theirs;
  Hook ours;
  Position they_are;
  int32_t verdict;
  bool we_see;
};

void PrintTo(const Case& row, std::ostream* out) { *out << row.name; }

// At tcx any verdict but UNSPEC ends the chain, and PIPE goes on at clsact. In clsact, PIPE is as good as UNSPEC.
constexpr Case kTable[] = {
    {"TcxOkAheadOfTcx", Hook::kTcx, Hook::kTcx, Position::kAhead, TC_ACT_OK, false},
    {"TcxShotAheadOfTcx", Hook::kTcx, Hook::kTcx, Position::kAhead, TC_ACT_SHOT, false},
    {"TcxUnspecAheadOfTcx", Hook::kTcx, Hook::kTcx, Position::kAhead, TC_ACT_UNSPEC, true},
    {"TcxPipeAheadOfTcx", Hook::kTcx, Hook::kTcx, Position::kAhead, TC_ACT_PIPE, false},
    {"TcxOkBehindTcx", Hook::kTcx, Hook::kTcx, Position::kBehind, TC_ACT_OK, true},
    {"TcxShotBehindTcx", Hook::kTcx, Hook::kTcx, Position::kBehind, TC_ACT_SHOT, true},
    {"TcxUnspecBehindTcx", Hook::kTcx, Hook::kTcx, Position::kBehind, TC_ACT_UNSPEC, true},
    {"TcxPipeBehindTcx", Hook::kTcx, Hook::kTcx, Position::kBehind, TC_ACT_PIPE, true},
    {"TcxOkAheadOfClsact", Hook::kTcx, Hook::kClsact, Position::kAhead, TC_ACT_OK, false},
    {"TcxShotAheadOfClsact", Hook::kTcx, Hook::kClsact, Position::kAhead, TC_ACT_SHOT, false},
    {"TcxUnspecAheadOfClsact", Hook::kTcx, Hook::kClsact, Position::kAhead, TC_ACT_UNSPEC, true},
    {"TcxPipeAheadOfClsact", Hook::kTcx, Hook::kClsact, Position::kAhead, TC_ACT_PIPE, true},
    {"ClsactOkBehindTcx", Hook::kClsact, Hook::kTcx, Position::kBehind, TC_ACT_OK, true},
    {"ClsactShotBehindTcx", Hook::kClsact, Hook::kTcx, Position::kBehind, TC_ACT_SHOT, true},
    {"ClsactUnspecBehindTcx", Hook::kClsact, Hook::kTcx, Position::kBehind, TC_ACT_UNSPEC, true},
    {"ClsactPipeBehindTcx", Hook::kClsact, Hook::kTcx, Position::kBehind, TC_ACT_PIPE, true},
    {"ClsactOkAheadOfClsact", Hook::kClsact, Hook::kClsact, Position::kAhead, TC_ACT_OK, false},
    {"ClsactShotAheadOfClsact", Hook::kClsact, Hook::kClsact, Position::kAhead, TC_ACT_SHOT, false},
    {"ClsactUnspecAheadOfClsact", Hook::kClsact, Hook::kClsact, Position::kAhead, TC_ACT_UNSPEC, true},
    {"ClsactPipeAheadOfClsact", Hook::kClsact, Hook::kClsact, Position::kAhead, TC_ACT_PIPE, true},
    {"ClsactOkBehindClsact", Hook::kClsact, Hook::kClsact, Position::kBehind, TC_ACT_OK, true},
    {"ClsactShotBehindClsact", Hook::kClsact, Hook::kClsact, Position::kBehind, TC_ACT_SHOT, true},
    {"ClsactUnspecBehindClsact", Hook::kClsact, Hook::kClsact, Position::kBehind, TC_ACT_UNSPEC, true},
    {"ClsactPipeBehindClsact", Hook::kClsact, Hook::kClsact, Position::kBehind, TC_ACT_PIPE, true},
};

class NeighbourTable : public NeighbourLab, public ::testing::WithParamInterface<Case> {
 protected:
  static constexpr uint32_t kFrontPriority = 7;
  static constexpr uint32_t kBackPriority = 60'000;

  bool passes() const { return GetParam().verdict != TC_ACT_SHOT; }

  Status AttachTheirs(Neighbour& theirs) const {
    if (GetParam().theirs == Hook::kTcx) {
      return theirs.AttachTcx(ifindex(), Direction::kEgress, tap::TcxOrder::kLast);
    }
    const uint32_t priority = GetParam().they_are == Position::kAhead ? kFrontPriority : kBackPriority;
    return theirs.AttachClsact(ifindex(), Direction::kEgress, priority, 0x42);
  }

  // One connection; then theirs must have had its way with every packet of it. Returns how many packets it saw.
  uint64_t ExchangePast(const Neighbour& theirs) const {
    const uint64_t arrived_before = arrived();
    const uint64_t seen_before = theirs.packets();
    EXPECT_EQ(Exchange([&] { return !passes() && theirs.packets() != seen_before; }), passes());
    const auto seen = [&] { return theirs.packets() - seen_before; };
    const auto came = [&] { return arrived() - arrived_before; };
    if (passes()) {
      EXPECT_TRUE(Eventually([&] { return seen() == came(); })) << seen() << " seen, " << came() << " arrived";
      EXPECT_GT(seen(), 3U);
    } else {
      EXPECT_GE(seen(), 1U);
      EXPECT_EQ(came(), 0U);
    }
    return seen();
  }
};

TEST_P(NeighbourTable, TheirsHasItsWayAndIsLeftAlone) {
  const Case& row = GetParam();
  const std::unique_ptr<Neighbour> theirs = Load(row.verdict);
  ASSERT_NE(theirs, nullptr);
  if (const Status attached = AttachTheirs(*theirs); !attached) {
    GTEST_SKIP() << attached.error().message;
  }
  const std::vector<std::string> alone = State(0);
  ASSERT_GE(alone.size(), 1U);
  ExchangePast(*theirs);

  // Last at tcx when theirs is to be ahead; in clsact the order is that of the priorities.
  const auto tap = OpenTap(row.they_are == Position::kAhead ? tap::TcxOrder::kLast : tap::TcxOrder::kFirst);
  ASSERT_NE(tap, nullptr);
  const auto attached = tap->Attach(ifindex(), Direction::kEgress,
                                    row.ours == Hook::kTcx ? tap::AttachMode::kTcx : tap::AttachMode::kClsact);
  ASSERT_TRUE(attached) << attached.error().message;
  EXPECT_EQ(attached->ahead.size(), row.they_are == Position::kAhead ? 1U : 0U);
  for (const tap::Neighbour& ahead : attached->ahead) {
    EXPECT_EQ(ahead.hook, row.theirs);
    EXPECT_EQ(ahead.program_id, theirs->id());
    EXPECT_EQ(ahead.name, "neighbour");
    EXPECT_EQ(ahead.priority, row.theirs == Hook::kClsact ? kFrontPriority : 0U);
  }
  const std::vector<uint32_t> programs = tap::TcxPrograms(ifindex(), Direction::kEgress);
  uint32_t our_id = 0;
  for (const uint32_t id : programs) {
    our_id = id != theirs->id() ? id : our_id;
  }
  EXPECT_EQ(State(our_id), alone);

  tap->Heartbeat(0);
  const uint64_t theirs_saw = ExchangePast(*theirs);
  if (row.we_see && passes()) {
    EXPECT_TRUE(Eventually([&] { return Counter(*tap, "endpoint_packets") == theirs_saw; }));
  }
  const uint64_t we_saw = Counter(*tap, "endpoint_packets");
  EXPECT_EQ(we_saw != 0, row.we_see);
  EXPECT_EQ(Counter(*tap, "seen"), row.we_see && passes() ? kRequests : 0);
  std::printf("  %-26s theirs saw %llu packets, ours %llu; requests seen %llu of %llu, traffic %s\n", row.name,
              static_cast<unsigned long long>(theirs_saw), static_cast<unsigned long long>(we_saw),
              static_cast<unsigned long long>(Counter(*tap, "seen")),
              static_cast<unsigned long long>(passes() ? kRequests : 0), passes() ? "flows" : "is dropped");

  tap->Detach(ifindex(), Direction::kEgress);
  EXPECT_EQ(State(0), alone);
  ExchangePast(*theirs);
}

INSTANTIATE_TEST_SUITE_P(Verdicts, NeighbourTable, ::testing::ValuesIn(kTable),
                         [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace rpctee::test
