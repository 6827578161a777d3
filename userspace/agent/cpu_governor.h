// Keeps the agent's CPU time below a limit, by a factor on all shares: down at once when too much is used, up again
// slowly when there is room.
//
// Plain computation on what was used in the last interval; one thread.
#pragma once

#include <cstdint>

namespace rpctee::agent {

class CpuGovernor {
 public:
  // The factor goes down to a thousandth; what the agent uses without any copy is not to be had back.
  static constexpr double kLeast = 0.001;
  // Below this part of the limit there is room. The step up leads from there to 7/8 of the limit at most, where nothing
  // is changed, so that the factor comes to rest.
  static constexpr double kRoom = 0.7;
  static constexpr double kStepUp = 1.25;
  // Where a step down aims at, and the most that one goes.
  static constexpr double kAim = 0.9;
  static constexpr double kStepDown = 0.25;

  // max_cpu: of one core; 0 = no limit.
  explicit CpuGovernor(double max_cpu) : max_cpu_(max_cpu) {}

  // used: of one core, in the last interval. True when the factor is another one now.
  bool Look(double used);
  double factor() const { return factor_; }

 private:
  double max_cpu_;
  double factor_ = 1;
};

}  // namespace rpctee::agent
