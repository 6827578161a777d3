#include "base/latency.h"

#include <gtest/gtest.h>

namespace rpctee {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(LatencyHistogram, BucketsFollowOneAnotherWithoutGapOrOverlap) {
  for (unsigned bucket = 0; bucket < RPCTEE_LATENCY_BUCKETS; ++bucket) {
    const uint64_t floor_ns = rpctee_latency_floor_us(bucket) * 1000;
    const uint64_t ceiling_ns = rpctee_latency_floor_us(bucket + 1) * 1000;
    EXPECT_EQ(rpctee_latency_bucket(floor_ns), bucket);
    EXPECT_EQ(rpctee_latency_bucket(ceiling_ns - 1), bucket);
    EXPECT_TRUE(bucket < 8 || (ceiling_ns - floor_ns) * 4 <= floor_ns) << bucket;
  }
}

TEST(LatencyHistogram, WhatIsLongerThanAllBucketsIsInTheLast) {
  EXPECT_EQ(rpctee_latency_bucket(~0ULL), RPCTEE_LATENCY_BUCKETS - 1U);
  EXPECT_EQ(LatencyHistogram::BucketOf(std::chrono::hours(24)), RPCTEE_LATENCY_BUCKETS - 1U);
}

TEST(LatencyHistogram, AClockThatSeemsToGoBackIsNoLatency) {
  EXPECT_EQ(LatencyHistogram::BucketOf(microseconds(-5)), 0U);
}

TEST(LatencyHistogram, QuantilesLieInTheBucketOfTheirLatency) {
  LatencyHistogram latencies;
  EXPECT_EQ(latencies.QuantileUs(0.5), 0.0);
  for (int i = 0; i < 90; ++i) {
    latencies.Add(milliseconds(1));
  }
  for (int i = 0; i < 10; ++i) {
    latencies.Add(milliseconds(50));
  }
  EXPECT_EQ(latencies.count(), 100U);
  EXPECT_GE(latencies.QuantileUs(0.5), 896);
  EXPECT_LE(latencies.QuantileUs(0.9), 1024);
  EXPECT_GE(latencies.QuantileUs(0.99), 49'152);
  EXPECT_LE(latencies.QuantileUs(1), 57'344);
}

TEST(LatencyHistogram, TwoAddedUpHoldAllOfBoth) {
  LatencyHistogram one;
  LatencyHistogram two;
  one.Add(microseconds(3));
  two.Add(microseconds(3));
  two.Add(milliseconds(7));
  one += two;
  EXPECT_EQ(one.count(), 3U);
  EXPECT_EQ(one.buckets().at(3), 2U);
}

}  // namespace
}  // namespace rpctee
