#include "agent/sampling_factor.h"

#include <gtest/gtest.h>

namespace rpctee::agent {
namespace {

constexpr uint64_t kAll = uint64_t{1} << 32;

TEST(SamplingFactor, OneChangesNothing) {
  const SamplingFactor one;
  for (const uint64_t threshold : {uint64_t{0}, uint64_t{1}, uint64_t{12345}, kAll}) {
    EXPECT_EQ(one.Scale(threshold), threshold);
  }
  for (const uint32_t draw : {0U, 1U, 77U, UINT32_MAX}) {
    EXPECT_EQ(one.Unscale(draw), draw);
  }
}

TEST(SamplingFactor, ARuleTakesJustWhatIsBelowItsScaledThreshold) {
  for (const double value : {0.9, 0.5, 0.123, 0.001, 0.0}) {
    const SamplingFactor factor = SamplingFactor::From(value);
    for (const uint64_t threshold : {uint64_t{1}, uint64_t{70'000}, uint64_t{1} << 20, kAll / 3, kAll - 1, kAll}) {
      const uint64_t scaled = factor.Scale(threshold);
      for (const uint64_t draw : {scaled - 2, scaled - 1, scaled, scaled + 1}) {
        if (draw < kAll) {
          const std::optional<uint32_t> unscaled = factor.Unscale(static_cast<uint32_t>(draw));
          EXPECT_EQ(unscaled && *unscaled < threshold, draw < scaled) << value << " " << threshold << " " << draw;
        }
      }
    }
  }
}

TEST(SamplingFactor, ScalingIsMonotoneAndExactToAStep) {
  uint64_t before = 0;
  for (double value = 0.001; value <= 1; value += 0.001) {
    const uint64_t scaled = SamplingFactor::From(value).Scale(kAll);
    EXPECT_GE(scaled, before);
    EXPECT_NEAR(static_cast<double>(scaled) / kAll, value, 1.0 / 65'536);
    before = scaled;
  }
  EXPECT_EQ(SamplingFactor::From(2.6 / 65'536).steps(), 3U) << "the nearest step";
  EXPECT_EQ(SamplingFactor::From(7).steps(), SamplingFactor().steps());
}

}  // namespace
}  // namespace rpctee::agent
