#include "mirror/ejection.h"

#include <gtest/gtest.h>

#include <set>

namespace rpctee::mirror {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Change = Ejection::Change;
using End = Ejection::End;

constexpr TimePoint kStart{seconds(1000)};

EjectionOptions Options() {
  return {.consecutive_failures = 3, .consecutive_exhausted = 1, .time = seconds(5), .max_time = seconds(30)};
}

// Lets its time pass and answers the probe. When it is back.
TimePoint Return(Ejection& ejection) {
  const TimePoint now = ejection.not_before();
  ejection.OnQueued(now);
  EXPECT_EQ(ejection.OnEnd(End::kTaken, now, now), Change::kBack);
  return now;
}

// Puts a fresh one out.
void PutOut(Ejection& ejection, TimePoint now) {
  EXPECT_EQ(ejection.OnEnd(End::kTimedOut, now, now), Change::kNone);
  EXPECT_EQ(ejection.OnEnd(End::kTimedOut, now, now), Change::kNone);
  EXPECT_EQ(ejection.OnEnd(End::kTimedOut, now, now), Change::kOut);
}

TEST(Ejection, FailuresInARowPutItOutAndASuccessBetweenThemDoesNot) {
  Ejection ejection(Options(), 1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ejection.OnEnd(End::kTimedOut, kStart, kStart), Change::kNone);
    EXPECT_EQ(ejection.OnConnectionFailed(kStart), Change::kNone);
    EXPECT_EQ(ejection.OnEnd(End::kTaken, kStart, kStart), Change::kNone);
    EXPECT_TRUE(ejection.MayTake(kStart));
  }
  EXPECT_EQ(ejection.OnConnectionFailed(kStart), Change::kNone);
  EXPECT_EQ(ejection.OnEnd(End::kTimedOut, kStart, kStart), Change::kNone);
  EXPECT_EQ(ejection.OnConnectionFailed(kStart), Change::kOut);
  EXPECT_FALSE(ejection.MayTake(kStart));
}

TEST(Ejection, AThousandCopiesLostWithOneConnectionAreNoReason) {
  Ejection ejection(Options(), 1);
  EXPECT_EQ(ejection.OnConnectionFailed(kStart), Change::kNone);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(ejection.OnEnd(End::kLost, kStart, kStart), Change::kNone);
  }
  EXPECT_TRUE(ejection.MayTake(kStart));
}

TEST(Ejection, OneAnswerWithoutAThreadPutsItOutAtOnce) {
  Ejection ejection(Options(), 1);
  EXPECT_EQ(ejection.OnEnd(End::kExhausted, kStart, kStart), Change::kOut);
  EXPECT_FALSE(ejection.MayTake(kStart + milliseconds(4999)));
}

TEST(Ejection, AnswersWithoutAThreadCountInARowOfTheirOwn) {
  EjectionOptions options = Options();
  options.consecutive_exhausted = 2;
  Ejection ejection(options, 1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ejection.OnEnd(End::kExhausted, kStart, kStart), Change::kNone);
    EXPECT_EQ(ejection.OnEnd(End::kTaken, kStart, kStart), Change::kNone) << "begins the row anew";
  }
  EXPECT_EQ(ejection.OnEnd(End::kTimedOut, kStart, kStart), Change::kNone);
  EXPECT_EQ(ejection.OnEnd(End::kExhausted, kStart, kStart), Change::kNone) << "a timeout is no part of it";
  EXPECT_EQ(ejection.OnConnectionFailed(kStart), Change::kNone);
  EXPECT_EQ(ejection.OnConnectionFailed(kStart), Change::kOut);
  Return(ejection);
  const TimePoint later = kStart + seconds(60);
  EXPECT_EQ(ejection.OnEnd(End::kExhausted, later, later), Change::kNone) << "nor is what was before it was out";
}

TEST(Ejection, ItGetsOneProbeAfterItsTimeAndNothingBeside) {
  Ejection ejection(Options(), 1);
  PutOut(ejection, kStart);
  EXPECT_GE(ejection.not_before(), kStart + seconds(5));
  EXPECT_LE(ejection.not_before(), kStart + milliseconds(6250));
  EXPECT_EQ(ejection.not_before(), kStart + ejection.last_time());
  EXPECT_TRUE(ejection.is_out());
  const TimePoint later = ejection.not_before();
  EXPECT_FALSE(ejection.MayTake(later - milliseconds(1)));
  EXPECT_TRUE(ejection.MayTake(later));
  ejection.OnQueued(later);
  EXPECT_FALSE(ejection.MayTake(later + seconds(1)));
  EXPECT_TRUE(ejection.is_out()) << "until the probe has ended";
  EXPECT_EQ(ejection.OnEnd(End::kTaken, later, later + seconds(1)), Change::kBack);
  EXPECT_TRUE(ejection.MayTake(later + seconds(1)));
  EXPECT_FALSE(ejection.is_out());
}

TEST(Ejection, AOneWayCopyMayBeTheProbe) {
  Ejection ejection(Options(), 1);
  PutOut(ejection, kStart);
  const TimePoint probe = ejection.not_before();
  ejection.OnQueued(probe);
  EXPECT_EQ(ejection.OnEnd(End::kSent, probe, probe), Change::kBack);
}

TEST(Ejection, WhatEndsOrFailsWhileItIsOutChangesNothing) {
  Ejection ejection(Options(), 1);
  PutOut(ejection, kStart);
  const TimePoint end = ejection.not_before();
  const TimePoint during = kStart + seconds(1);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ejection.OnConnectionFailed(during), Change::kNone);
    EXPECT_EQ(ejection.OnEnd(End::kExhausted, during, during), Change::kNone);
    EXPECT_EQ(ejection.OnEnd(End::kTimedOut, during, during), Change::kNone);
  }
  EXPECT_EQ(ejection.not_before(), end);
  ejection.OnQueued(end);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ejection.OnConnectionFailed(end), Change::kNone) << "the end of the probe decides alone";
  }
  EXPECT_EQ(ejection.OnEnd(End::kTaken, end, end), Change::kBack);
}

TEST(Ejection, TheTimeIsKeptAlsoWhenTheMostIsLess) {
  EjectionOptions options = Options();
  options.max_time = seconds(1);
  Ejection ejection(options, 1);
  PutOut(ejection, kStart);
  EXPECT_GE(ejection.last_time(), seconds(5));
}

TEST(Ejection, AProbeThatFailsInAnyWayPutsItOutForLongerUpToTheMost) {
  for (const End end : {End::kTimedOut, End::kLost, End::kExhausted}) {
    Ejection ejection(Options(), 1);
    PutOut(ejection, kStart);
    TimePoint now = kStart;
    for (int times = 2; times < 12; ++times) {
      now = ejection.not_before();
      ejection.OnQueued(now);
      EXPECT_EQ(ejection.OnEnd(end, now, now), Change::kOut);
      const Duration least = std::min<Duration>(seconds(5) * times, seconds(30));
      EXPECT_GE(ejection.last_time(), least);
      EXPECT_LE(ejection.last_time(), least * 5 / 4);
    }
  }
}

TEST(Ejection, WhatWasSentBeforeTheProbeOrBeforeTheReturnSaysNothing) {
  Ejection ejection(Options(), 1);
  PutOut(ejection, kStart);
  EXPECT_EQ(ejection.OnEnd(End::kTimedOut, kStart, kStart + seconds(1)), Change::kNone);
  const TimePoint probe = ejection.not_before();
  ejection.OnQueued(probe);
  EXPECT_EQ(ejection.OnEnd(End::kTimedOut, kStart, probe), Change::kNone);
  EXPECT_EQ(ejection.OnEnd(End::kTaken, kStart, probe), Change::kNone) << "an old answer is no answer to the probe";
  EXPECT_EQ(ejection.OnConnectionFailed(probe), Change::kNone);
  EXPECT_EQ(ejection.OnEnd(End::kTaken, probe, probe + milliseconds(2)), Change::kBack);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(ejection.OnEnd(End::kTimedOut, kStart, probe + seconds(1)), Change::kNone);
    EXPECT_EQ(ejection.OnEnd(End::kTimedOut, probe + milliseconds(1), probe + seconds(1)), Change::kNone);
  }
}

TEST(Ejection, ItBeginsAnewAfterTwiceTheTimeThatItWasOut) {
  Ejection ejection(Options(), 1);
  PutOut(ejection, kStart);
  const Duration first = ejection.last_time();
  PutOut(ejection, Return(ejection) + 2 * first - milliseconds(1));
  EXPECT_GE(ejection.last_time(), seconds(10)) << "too soon: longer";
  const Duration second = ejection.last_time();
  PutOut(ejection, Return(ejection) + 2 * second);
  EXPECT_LT(ejection.last_time(), seconds(10));
}

TEST(Ejection, AProbeThatTakesLongIsNoGoodTime) {
  Ejection ejection(Options(), 1);
  PutOut(ejection, kStart);
  const TimePoint probe = ejection.not_before();
  ejection.OnQueued(probe);
  EXPECT_EQ(ejection.OnEnd(End::kTimedOut, probe, probe + seconds(60)), Change::kOut);
  EXPECT_GE(ejection.last_time(), seconds(10));
}

TEST(Ejection, ZeroMeansNever) {
  EjectionOptions options = Options();
  options.consecutive_failures = options.consecutive_exhausted = 0;
  Ejection ejection(options, 1);
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(ejection.OnEnd(End::kTimedOut, kStart, kStart), Change::kNone);
    EXPECT_EQ(ejection.OnEnd(End::kExhausted, kStart, kStart), Change::kNone);
  }
  EXPECT_TRUE(ejection.MayTake(kStart));
}

TEST(Ejection, TwoAgentsDoNotProbeAtTheSameTime) {
  std::set<Duration> times;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    Ejection ejection(Options(), seed);
    PutOut(ejection, kStart);
    times.insert(ejection.last_time());
  }
  EXPECT_GT(times.size(), 95U);
}

}  // namespace
}  // namespace rpctee::mirror
