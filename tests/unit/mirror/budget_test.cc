#include "mirror/budget.h"

#include <gtest/gtest.h>

#include <thread>

namespace rpctee::mirror {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint kStart{seconds(1000)};

// How many of the items that come every `gap` are taken in `time`.
uint64_t Taken(TokenBucket& bucket, Duration gap, Duration time, uint64_t amount, TimePoint start = kStart) {
  uint64_t taken = 0;
  for (Duration at{}; at < time; at += gap) {
    if (bucket.Allows(start + at)) {
      bucket.Take(amount, start + at);
      ++taken;
    }
  }
  return taken;
}

TEST(TokenBucket, KeepsTheRateExactlyBesideATenthOfASecondAtTheStart) {
  for (const uint64_t rate : {1ULL, 10ULL, 1000ULL, 50'000ULL}) {
    TokenBucket bucket(rate);
    const uint64_t taken = Taken(bucket, microseconds(10), seconds(10), 1);
    EXPECT_GE(taken, rate * 10);
    EXPECT_LE(taken, rate * 10 + rate / 10 + 1);
  }
}

TEST(TokenBucket, WhatIsBelowTheRateIsAllTaken) {
  TokenBucket bucket(1000);
  EXPECT_EQ(Taken(bucket, milliseconds(2), seconds(10), 1), 5000U);
}

TEST(TokenBucket, SilenceIsNotSavedUp) {
  TokenBucket bucket(1000);
  EXPECT_EQ(Taken(bucket, microseconds(1), microseconds(500), 1, kStart + seconds(3600)), 101U);
}

TEST(TokenBucket, AnItemOfManySecondsIsTakenWholeAndThenPaidFor) {
  TokenBucket bucket(1000);
  EXPECT_EQ(Taken(bucket, milliseconds(1), seconds(9), 10'000), 1U);
  EXPECT_TRUE(bucket.Allows(kStart + seconds(10)));
}

TEST(TokenBucket, TheLastThatIsAllowedIsOwedATenthOfASecond) {
  TokenBucket bucket(1000);
  bucket.Take(100, kStart);
  EXPECT_TRUE(bucket.Allows(kStart));
  bucket.Take(1, kStart);
  EXPECT_FALSE(bucket.Allows(kStart + microseconds(999)));
  EXPECT_TRUE(bucket.Allows(kStart + milliseconds(1)));
}

TEST(TokenBucket, ARateThatIsNoPartOfANanosecondIsKeptToo) {
  TokenBucket bucket(700'000'000);
  const uint64_t taken = Taken(bucket, microseconds(10), seconds(1), 70'000);
  EXPECT_GE(taken, 10'999U);
  EXPECT_LE(taken, 11'001U);
}

TEST(TokenBucket, ZeroIsNoLimit) {
  TokenBucket bucket(0);
  EXPECT_EQ(Taken(bucket, microseconds(1), milliseconds(10), uint64_t{1} << 30), 10'000U);
}

TEST(TokenBucket, ManyThreadsShareOneRate) {
  TokenBucket bucket(1000);
  std::atomic<uint64_t> taken{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] { taken += Taken(bucket, microseconds(50), seconds(5), 1); });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_GE(taken.load(), 5000U);
  EXPECT_LE(taken.load(), 5000U + 100 + 4);
}

TEST(AgentBudget, MemoryIsGivenBack) {
  AgentBudget budget({}, 1000);
  EXPECT_TRUE(budget.HasMemory(1000));
  EXPECT_FALSE(budget.HasMemory(1001));
  budget.AddMemory(600);
  EXPECT_FALSE(budget.HasMemory(500));
  budget.AddMemory(uint64_t{0} - 200);
  EXPECT_TRUE(budget.HasMemory(500));
  EXPECT_EQ(budget.memory(), 400U);
  EXPECT_TRUE(AgentBudget({}, 0).HasMemory(uint64_t{1} << 60));
}

}  // namespace
}  // namespace rpctee::mirror
