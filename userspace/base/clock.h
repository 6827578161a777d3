// Time as the program uses it: monotonic only, so that a jump of the wall clock changes nothing. Any thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace rpctee {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

// CLOCK_MONOTONIC in nanoseconds: the same clock as bpf_ktime_get_ns().
inline uint64_t MonotonicNs() {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count());
}

}  // namespace rpctee
