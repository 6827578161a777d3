#include "agent/cpu_governor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace rpctee::agent {
namespace {

// An agent that uses `idle`, and `work` for all requests: after each of so many intervals, what it used.
std::vector<double> Drive(CpuGovernor& governor, double idle, double work, int intervals) {
  std::vector<double> used;
  for (int i = 0; i < intervals; ++i) {
    used.push_back(idle + work * governor.factor());
    governor.Look(used.back());
  }
  return used;
}

TEST(CpuGovernor, WithoutALimitNothingChanges) {
  CpuGovernor governor(0);
  Drive(governor, 0, 100, 10);
  EXPECT_EQ(governor.factor(), 1);
}

TEST(CpuGovernor, BelowTheLimitNothingChanges) {
  CpuGovernor governor(0.5);
  Drive(governor, 0.1, 0.3, 100);
  EXPECT_EQ(governor.factor(), 1);
}

TEST(CpuGovernor, ALoadThatIsTooHighIsBroughtBelowTheLimitWithinThreeIntervals) {
  for (const double work : {0.6, 1.0, 4.0, 15.0}) {
    CpuGovernor governor(0.5);
    const std::vector<double> used = Drive(governor, 0.02, work, 30);
    for (size_t i = 3; i < used.size(); ++i) {
      EXPECT_LE(used[i], 0.5) << work;
      EXPECT_GE(used[i], 0.5 * CpuGovernor::kRoom / CpuGovernor::kStepUp) << work << ": no more than needed";
    }
  }
}

TEST(CpuGovernor, ASteadyLoadComesToRest) {
  for (double work = 0.1; work < 20; work *= 1.07) {
    CpuGovernor governor(0.4);
    Drive(governor, 0.01, work, 60);
    const double factor = governor.factor();
    Drive(governor, 0.01, work, 60);
    EXPECT_EQ(governor.factor(), factor) << work;
  }
}

TEST(CpuGovernor, WhenTheLoadIsGoneAllIsSampledAgain) {
  CpuGovernor governor(0.4);
  Drive(governor, 0.01, 8, 20);
  EXPECT_LT(governor.factor(), 0.05);
  Drive(governor, 0.01, 0.05, 15);
  EXPECT_EQ(governor.factor(), 1);
}

TEST(CpuGovernor, WhatIsUsedWithoutCopiesDoesNotStopThemForGood) {
  CpuGovernor governor(0.1);
  Drive(governor, 0.5, 1, 100);
  EXPECT_EQ(governor.factor(), CpuGovernor::kLeast);
  Drive(governor, 0.01, 0.01, 60);
  EXPECT_EQ(governor.factor(), 1);
}

TEST(CpuGovernor, NoisyReadingsMoveItWithinABand) {
  CpuGovernor governor(0.5);
  Drive(governor, 0, 2, 20);
  double least = 1;
  double most = 0;
  for (int i = 0; i < 200; ++i) {
    const double noise = (i * 37 % 21 - 10) * 0.01;  // up to 10 %
    governor.Look(2 * governor.factor() * (1 + noise));
    least = std::min(least, governor.factor());
    most = std::max(most, governor.factor());
  }
  EXPECT_LT(most / least, 1.6);
}

TEST(CpuGovernor, OneReadingFarTooHighLowersItToAQuarterAtMost) {
  CpuGovernor governor(0.1);
  governor.Look(50);
  EXPECT_EQ(governor.factor(), CpuGovernor::kStepDown);
}

TEST(CpuGovernor, WhatIsJustAtTheLimitIsAllowed) {
  CpuGovernor governor(0.5);
  EXPECT_FALSE(governor.Look(0.5));
  EXPECT_EQ(governor.factor(), 1);
}

TEST(CpuGovernor, TellsWhetherItChanged) {
  CpuGovernor governor(0.5);
  EXPECT_FALSE(governor.Look(0.4));
  EXPECT_TRUE(governor.Look(0.8));
  EXPECT_FALSE(governor.Look(0.45));
  EXPECT_TRUE(governor.Look(0.1)) << "up again";
}

TEST(CpuGovernor, RoomIsBelowSevenTenthsAndAStepUpIsAQuarter) {
  CpuGovernor governor(1);
  governor.Look(2);
  const double lowered = governor.factor();
  EXPECT_FALSE(governor.Look(0.71));
  EXPECT_TRUE(governor.Look(0.69));
  EXPECT_DOUBLE_EQ(governor.factor(), lowered * 1.25);
}

}  // namespace
}  // namespace rpctee::agent
