// So much a second, shared by any number of threads.
//
// What is taken is paid for by the time that follows: while more than kAhead is owed nothing is allowed, so that bursts
// are a tenth of a second's worth, and one item that is larger than that is taken whole and then waited for. Over any
// longer time the rate is kept exactly. Threads that look at the same moment may each take one item too many; it is
// owed like all others. The clock is given.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "base/clock.h"

namespace rpctee::mirror {

class TokenBucket {
 public:
  static constexpr Duration kAhead = std::chrono::milliseconds(100);

  // 0 = no limit.
  explicit TokenBucket(uint64_t per_second) : per_second_(per_second) {}

  bool Allows(TimePoint now) const {
    return per_second_ == 0 || paid_until_.load(std::memory_order_relaxed) <= Ns(now) + Ns(TimePoint(kAhead));
  }
  // At most 2^30 at a time.
  void Take(uint64_t amount, TimePoint now) {
    if (per_second_ == 0) {
      return;
    }
    const auto cost = static_cast<int64_t>(amount * 1'000'000'000 / per_second_);
    int64_t paid = paid_until_.load(std::memory_order_relaxed);
    while (!paid_until_.compare_exchange_weak(paid, std::max(paid, Ns(now)) + cost, std::memory_order_relaxed)) {
    }
  }

 private:
  static int64_t Ns(TimePoint time) {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  }

  const uint64_t per_second_;
  std::atomic<int64_t> paid_until_{0};
};

}  // namespace rpctee::mirror
