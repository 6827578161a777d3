// What all workers together may send: requests and bytes a second, and memory for bytes that no socket has taken yet.
//
// Shared by the Mirrors of all workers: any thread.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.h"
#include "mirror/token_bucket.h"

namespace rpctee::mirror {

struct RateLimits {
  uint64_t requests_per_second = 0;  // 0 = no limit
  uint64_t bytes_per_second = 0;     // 0 = no limit
};

class RateBudget {
 public:
  explicit RateBudget(const RateLimits& limits)
      : requests_(limits.requests_per_second), bytes_(limits.bytes_per_second) {}

  bool Allows(TimePoint now) const { return requests_.Allows(now) && bytes_.Allows(now); }
  void Take(uint64_t bytes, TimePoint now) {
    requests_.Take(1, now);
    bytes_.Take(bytes, now);
  }

 private:
  TokenBucket requests_;
  TokenBucket bytes_;
};

class AgentBudget {
 public:
  // max_memory: 0 = no limit.
  AgentBudget(const RateLimits& limits, uint64_t max_memory) : rate_(limits), max_memory_(max_memory) {}

  // Whether a copy may be sent now. Workers that look at the same moment may each go beyond by one copy.
  bool Allows(uint64_t bytes, TimePoint now) const { return rate_.Allows(now) && HasMemory(bytes); }
  void Take(uint64_t bytes, TimePoint now) { rate_.Take(bytes, now); }

  bool HasMemory(uint64_t bytes) const { return max_memory_ == 0 || memory() + bytes <= max_memory_; }
  uint64_t memory() const { return memory_.load(std::memory_order_relaxed); }
  // `change` may be negative, in two's complement.
  void AddMemory(uint64_t change) { memory_.fetch_add(change, std::memory_order_relaxed); }

 private:
  RateBudget rate_;
  const uint64_t max_memory_;
  std::atomic<uint64_t> memory_{0};
};

}  // namespace rpctee::mirror
