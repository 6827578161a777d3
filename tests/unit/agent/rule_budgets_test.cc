#include "agent/rule_budgets.h"

#include <gtest/gtest.h>

namespace rpctee::agent {
namespace {

route::Rule RuleOf(const std::string& route, uint32_t requests, uint64_t bytes) {
  route::Rule rule;
  rule.config = "demo_20880";
  rule.route = route;
  rule.cluster = "v2";
  rule.policy.max_requests_per_second = requests;
  rule.policy.max_bytes_per_second = bytes;
  return rule;
}

TEST(RuleBudgets, ARuleWithoutLimitsHasNoAccount) {
  RuleBudgets budgets;
  EXPECT_EQ(budgets.Of(RuleOf("a", 0, 0)), nullptr);
}

TEST(RuleBudgets, WorkersAndReloadsShareTheAccountOfARule) {
  RuleBudgets budgets;
  const RuleBudgets::Account first = budgets.Of(RuleOf("a", 10, 0));
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(budgets.Of(RuleOf("a", 10, 0)), first);
  EXPECT_NE(budgets.Of(RuleOf("b", 10, 0)), first);
  EXPECT_NE(budgets.Of(RuleOf("a", 11, 0)), first) << "another limit is another account";
  EXPECT_NE(budgets.Of(RuleOf("a", 10, 1)), first);
  route::Rule rule = RuleOf("a", 10, 0);
  rule.cluster = "v3";
  EXPECT_NE(budgets.Of(rule), first) << "another mirror";
  rule = RuleOf("a", 10, 0);
  rule.config = "other_20880";
  EXPECT_NE(budgets.Of(rule), first) << "another service";
}

TEST(RuleBudgets, AnAccountThatNobodyHoldsIsForgotten) {
  RuleBudgets budgets;
  const TimePoint now = Clock::now();
  RuleBudgets::Account account = budgets.Of(RuleOf("a", 1, 0));
  account->Take(1, now);
  EXPECT_FALSE(account->Allows(now));
  account = nullptr;
  EXPECT_TRUE(budgets.Of(RuleOf("a", 1, 0))->Allows(now));
}

}  // namespace
}  // namespace rpctee::agent
