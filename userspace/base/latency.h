// A histogram of latencies, with the buckets that kernel and agent share (bpf/abi/latency.h). Constant memory.
//
// A plain value; one thread at a time.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"
#include "bpf/abi/latency.h"

namespace rpctee {

class LatencyHistogram {
 public:
  static constexpr size_t kBuckets = RPCTEE_LATENCY_BUCKETS;
  static size_t BucketOf(Duration latency);

  void Add(Duration latency) { AddTo(BucketOf(latency), 1); }
  void AddTo(size_t bucket, uint64_t count) { buckets_.at(bucket) += count; }
  LatencyHistogram& operator+=(const LatencyHistogram& other);
  bool operator==(const LatencyHistogram&) const = default;

  uint64_t count() const;
  const std::array<uint64_t, kBuckets>& buckets() const { return buckets_; }
  // Microseconds that this share (0 to 1) of all latencies stay below: exact to the bucket, and inside it as if its
  // latencies lay at equal distances. 0 when there are none.
  double QuantileUs(double share) const;

 private:
  std::array<uint64_t, kBuckets> buckets_{};
};

}  // namespace rpctee
