#include "agent/cpu_governor.h"

#include <algorithm>

namespace rpctee::agent {

bool CpuGovernor::Look(double used) {
  if (max_cpu_ <= 0) {
    return false;
  }
  const double before = factor_;
  if (used > max_cpu_) {
    factor_ = std::max(kLeast, factor_ * std::max(kStepDown, kAim * max_cpu_ / used));
  } else if (used < kRoom * max_cpu_) {
    factor_ = std::min(1.0, factor_ * kStepUp);
  }
  return factor_ != before;
}

}  // namespace rpctee::agent
