#include "mirror/backoff.h"

#include <gtest/gtest.h>

#include <set>

namespace rpctee::mirror {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Backoff, DelaysStayBetweenTheLimitsAndGrow) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Backoff backoff(milliseconds(100), seconds(10), seed);
    Duration step = milliseconds(200);
    for (int i = 0; i < 12; ++i) {
      const Duration delay = backoff.Next();
      EXPECT_GE(delay, std::max<Duration>(step / 2, milliseconds(100)));
      EXPECT_LE(delay, step);
      step = std::min<Duration>(step * 2, seconds(10));
    }
  }
}

TEST(Backoff, TwoSeedsDoNotReturnAtTheSameTime) {
  std::set<Duration> delays;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    delays.insert(Backoff(milliseconds(100), seconds(10), seed).Next());
  }
  EXPECT_EQ(delays.size(), 100U);
}

TEST(Backoff, ResetStartsAgainAtTheMinimum) {
  Backoff backoff(milliseconds(100), seconds(10), 1);
  for (int i = 0; i < 10; ++i) {
    (void)backoff.Next();
  }
  backoff.Reset();
  EXPECT_LE(backoff.Next(), milliseconds(200));
}

TEST(Backoff, OddLimitsDoNoHarm) {
  Backoff reversed(seconds(10), milliseconds(1), 1);
  EXPECT_EQ(reversed.Next(), seconds(10));
  Backoff zero(Duration(0), Duration(0), 1);
  EXPECT_GT(zero.Next(), Duration(0));
  Backoff huge(milliseconds(1), Duration::max(), 1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_GT(huge.Next(), Duration(0));
  }
}

TEST(ReconnectGate, FailuresWhileClosedAreOneFailure) {
  ReconnectGate gate(Backoff(milliseconds(100), seconds(10), 1));
  const TimePoint now = Clock::now();
  EXPECT_TRUE(gate.IsOpen(now));
  gate.Failed(now);
  EXPECT_FALSE(gate.IsOpen(now));
  const TimePoint first = gate.not_before();
  gate.Failed(now);
  gate.Failed(now);
  EXPECT_EQ(gate.not_before(), first);
  EXPECT_TRUE(gate.IsOpen(first));
  gate.Failed(first);
  EXPECT_GE(gate.not_before() - first, milliseconds(200));
}

}  // namespace
}  // namespace rpctee::mirror
