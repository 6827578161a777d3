// A factor on the shares of all rules, in steps of 2^-16. Plain values; any thread.
//
// The kernel draws against scaled thresholds. The agent's rules see the draw scaled the other way, so that a rule takes
// exactly the requests whose draw is below its own scaled threshold: each keeps its proportion, and a smaller share or
// factor takes a subset of a larger one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace rpctee::agent {

class SamplingFactor {
 public:
  SamplingFactor() = default;
  // From 0 to 1; never less than one step.
  static SamplingFactor From(double factor) {
    return SamplingFactor(static_cast<uint32_t>(std::clamp(factor * kWhole + 0.5, 1.0, double{kWhole})));
  }
  // As steps() gave it.
  static SamplingFactor FromSteps(uint32_t steps) { return SamplingFactor(steps); }

  uint32_t steps() const { return steps_; }
  double value() const { return static_cast<double>(steps_) / kWhole; }

  // threshold: at most 2^32.
  uint64_t Scale(uint64_t threshold) const { return threshold * steps_ / kWhole; }
  // The draw d for which d < threshold just where draw < Scale(threshold); none when no threshold is that large.
  std::optional<uint32_t> Unscale(uint32_t draw) const {
    const uint64_t unscaled = ((uint64_t{draw} + 1) * kWhole + steps_ - 1) / steps_ - 1;
    return unscaled <= UINT32_MAX ? std::optional(static_cast<uint32_t>(unscaled)) : std::nullopt;
  }

 private:
  static constexpr uint32_t kWhole = uint32_t{1} << 16;
  explicit SamplingFactor(uint32_t steps) : steps_(steps) {}

  uint32_t steps_ = kWhole;
};

}  // namespace rpctee::agent
