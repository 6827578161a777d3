// Looks each interval at the CPU time that this process took, and says what factor that makes on all shares.
//
// Control thread. Logs each change, but not more often than every kLogInterval, and when all is sampled again.
#pragma once

#include "agent/cpu_governor.h"
#include "agent/sampling_factor.h"
#include "base/clock.h"

namespace rpctee::agent {

class CpuWatch {
 public:
  static constexpr Duration kInterval = std::chrono::seconds(1);
  static constexpr Duration kLogInterval = std::chrono::seconds(10);

  // max_cpu: of one core; 0 = no limit.
  explicit CpuWatch(double max_cpu);

  // True when the factor is another one now.
  bool Look(TimePoint now);
  SamplingFactor factor() const { return SamplingFactor::From(governor_.factor()); }

 private:
  void Log(TimePoint now, double used);

  const double max_cpu_;
  CpuGovernor governor_;
  TimePoint looked_at_;
  Duration used_before_;
  TimePoint logged_at_{};
};

}  // namespace rpctee::agent
