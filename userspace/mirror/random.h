// Cheap random numbers for jitter and for choices, from a seed that is given. Plain values, one thread.
#pragma once

#include <cstdint>

#include "base/hash.h"

namespace rpctee::mirror {

// SplitMix64: any seed is good.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    return Mix(state_);
  }
  // From 0 to limit - 1; limit is not 0. The bias is below limit / 2^64.
  uint64_t Below(uint64_t limit) { return Next() % limit; }
  // From 0 to less than 1.
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

 private:
  uint64_t state_;
};

}  // namespace rpctee::mirror
