#include "route/share.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace rpctee::route {
namespace {

constexpr uint64_t kAll = uint64_t{1} << 32;

TEST(Share, ThresholdIsTheExactShareOfAllDrawsRoundedToTheNearest) {
  EXPECT_EQ(Share{0}.Threshold(), 0u);
  EXPECT_EQ(Share{1}.Threshold(), 4295u);              // 4294.967296
  EXPECT_EQ(Share{5000}.Threshold(), 21474836u);       // 21474836.48
  EXPECT_EQ(Share{500'000}.Threshold(), kAll / 2);     // exact
  EXPECT_EQ(Share{999'999}.Threshold(), 4294963001u);  // 2^32 - 4294.967296
  EXPECT_EQ(Share{1'000'000}.Threshold(), kAll);       // above the largest draw
  EXPECT_EQ(Share{4'000'000'000u}.Threshold(), kAll);
}

TEST(Share, EveryMillionthHasAThresholdOfItsOwnSoSmallerSharesAreSubsets) {
  uint64_t previous = Share{0}.Threshold();
  for (uint32_t millionths = 1; millionths <= kMillion; ++millionths) {
    const uint64_t threshold = Share{millionths}.Threshold();
    ASSERT_GT(threshold, previous) << millionths;
    const double exact = static_cast<double>(millionths) * static_cast<double>(kAll) / kMillion;
    ASSERT_LE(std::abs(static_cast<double>(threshold) - exact), 0.5) << millionths;
    previous = threshold;
  }
}

TEST(Share, UniformDrawsGiveTheShareAndAnyRequestOfASmallerShareIsInTheLarger) {
  constexpr int kDraws = 2'000'000;
  std::mt19937 random(20880);
  const Share shares[] = {{0}, {1}, {5000}, {50'000}, {100'000}, {500'000}, {999'999}, {1'000'000}};
  int taken[std::size(shares)] = {};
  for (int i = 0; i < kDraws; ++i) {
    const auto draw = static_cast<uint32_t>(random());
    bool smaller_took = false;
    for (size_t s = 0; s < std::size(shares); ++s) {
      const bool takes = draw < shares[s].Threshold();
      ASSERT_TRUE(takes || !smaller_took);
      smaller_took = takes;
      taken[s] += takes ? 1 : 0;
    }
  }
  for (size_t s = 0; s < std::size(shares); ++s) {
    const double p = static_cast<double>(shares[s].millionths) / kMillion;
    // Five standard deviations; the seed is fixed, so this never flakes.
    EXPECT_NEAR(taken[s], kDraws * p, 5 * std::sqrt(kDraws * p * (1 - p)) + 1e-6) << shares[s].ToString();
  }
}

TEST(Share, FractionOfEachDenominatorIsExact) {
  EXPECT_EQ(Share::FromFraction(1, 100).millionths, 10'000u);
  EXPECT_EQ(Share::FromFraction(1, 10'000).millionths, 100u);
  EXPECT_EQ(Share::FromFraction(1, 1'000'000).millionths, 1u);
  EXPECT_EQ(Share::FromFraction(50, 10'000).millionths, 5000u);
  EXPECT_EQ(Share::FromFraction(0, 100).millionths, 0u);
}

TEST(Share, FractionAboveOneIsAllAndWithoutADenominatorIsNothing) {
  EXPECT_EQ(Share::FromFraction(100, 100).millionths, kMillion);
  EXPECT_EQ(Share::FromFraction(101, 100).millionths, kMillion);
  EXPECT_EQ(Share::FromFraction(UINT64_MAX, 1'000'000).millionths, kMillion);
  EXPECT_EQ(Share::FromFraction(UINT64_MAX / 2, UINT64_MAX).millionths, 500'000u);
  EXPECT_EQ(Share::FromFraction(5, 0).millionths, 0u);
}

TEST(Share, PercentIsRoundedToTheNearestMillionth) {
  EXPECT_EQ(Share::FromPercent(100).millionths, kMillion);
  EXPECT_EQ(Share::FromPercent(0.5).millionths, 5000u);
  EXPECT_EQ(Share::FromPercent(0.29).millionths, 2900u);  // 0.29 * 10000 is a little below 2900
  EXPECT_EQ(Share::FromPercent(0.0001).millionths, 1u);
  EXPECT_EQ(Share::FromPercent(0.00004).millionths, 0u);
  EXPECT_EQ(Share::FromPercent(99.99996).millionths, kMillion);
}

TEST(Share, PercentOutsideItsRangeIsNothingOrAll) {
  EXPECT_EQ(Share::FromPercent(-1).millionths, 0u);
  EXPECT_EQ(Share::FromPercent(std::numeric_limits<double>::quiet_NaN()).millionths, 0u);
  EXPECT_EQ(Share::FromPercent(-std::numeric_limits<double>::infinity()).millionths, 0u);
  EXPECT_EQ(Share::FromPercent(100.5).millionths, kMillion);
  EXPECT_EQ(Share::FromPercent(std::numeric_limits<double>::infinity()).millionths, kMillion);
}

TEST(Share, TextHasOnlyTheDigitsThatMatter) {
  EXPECT_EQ(Share{kMillion}.ToString(), "100%");
  EXPECT_EQ(Share{5000}.ToString(), "0.5%");
  EXPECT_EQ(Share{1}.ToString(), "0.0001%");
  EXPECT_EQ(Share{123'456}.ToString(), "12.3456%");
  EXPECT_EQ(Share{100'000}.ToString(), "10%");
  EXPECT_EQ(Share{0}.ToString(), "0%");
  EXPECT_EQ(Share{kMillion + 1}.ToString(), "100%");
}

TEST(Share, WithoutAFractionEverythingIsTaken) { EXPECT_EQ(Share().Threshold(), kAll); }

}  // namespace
}  // namespace rpctee::route
