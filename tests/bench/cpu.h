// Which CPU a thread runs on, and what a stretch of its work took.
#pragma once

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace rpctee::bench {

// Pins the calling thread.
inline Status RunOnCpu(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<size_t>(cpu), &set);
  if (const int error = ::pthread_setaffinity_np(::pthread_self(), sizeof(set), &set); error != 0) {
    return FailErrno("run on CPU " + std::to_string(cpu), error);
  }
  return {};
}

struct Took {
  uint64_t wall_ns = 0;
  uint64_t cpu_ns = 0;  // of the calling thread, system calls included

  Took& operator+=(const Took& other) {
    wall_ns += other.wall_ns;
    cpu_ns += other.cpu_ns;
    return *this;
  }
};

// From its construction on.
class Stopwatch {
 public:
  Took Read() const { return {.wall_ns = Now(CLOCK_MONOTONIC) - wall_, .cpu_ns = Now(CLOCK_THREAD_CPUTIME_ID) - cpu_}; }

 private:
  static uint64_t Now(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
  }

  uint64_t wall_ = Now(CLOCK_MONOTONIC);
  uint64_t cpu_ = Now(CLOCK_THREAD_CPUTIME_ID);
};

}  // namespace rpctee::bench
