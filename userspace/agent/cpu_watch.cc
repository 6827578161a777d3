#include "agent/cpu_watch.h"

#include <spdlog/spdlog.h>

#include <ctime>

namespace rpctee::agent {
namespace {

Duration ProcessTime() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

CpuWatch::CpuWatch(double max_cpu)
    : max_cpu_(max_cpu), governor_(max_cpu), looked_at_(Clock::now()), used_before_(ProcessTime()) {}

bool CpuWatch::Look(TimePoint now) {
  const Duration used_now = ProcessTime();
  if (now <= looked_at_) {
    return false;
  }
  const double used =
      std::chrono::duration<double>(used_now - used_before_) / std::chrono::duration<double>(now - looked_at_);
  looked_at_ = now;
  used_before_ = used_now;
  if (!governor_.Look(used)) {
    return false;
  }
  Log(now, used);
  return true;
}

void CpuWatch::Log(TimePoint now, double used) {
  if (governor_.factor() >= 1) {
    spdlog::info("CPU: {:.3f} of a core is used, {:.3f} allowed; all that the routes ask for is sampled again", used,
                 max_cpu_);
    logged_at_ = {};
  } else if (logged_at_ == TimePoint() || now - logged_at_ >= kLogInterval) {
    spdlog::warn("CPU: {:.3f} of a core is used, {:.3f} allowed; all shares are multiplied by {:.4f} now", used,
                 max_cpu_, governor_.factor());
    logged_at_ = now;
  }
}

}  // namespace rpctee::agent
