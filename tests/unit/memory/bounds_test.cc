// Tables that must not grow with time or with what a configuration holds.
#include <gtest/gtest.h>

#include <string>

#include "agent/rule_budgets.h"
#include "mirror/hash_ring.h"
#include "support/counted_heap.h"

namespace rpctee {
namespace {

TEST(Bounds, AccountsOfRulesThatAreGoneAreNotKept) {
  agent::RuleBudgets budgets;
  route::Rule rule;
  rule.policy.max_requests_per_second = 1;
  const size_t before = test::LiveHeapBytes();
  for (int i = 0; i < 10'000; ++i) {
    rule.route = "a route that comes and goes, " + std::to_string(i);
    ASSERT_NE(budgets.Of(rule), nullptr);
  }
  EXPECT_LE(test::LiveHeapBytes() - before, 4096U);
}

TEST(Bounds, ARingOfManyEndpointsHasNoMorePointsThanItMay) {
  std::vector<mirror::BalancedEndpoint> endpoints(5000);
  for (size_t i = 0; i < endpoints.size(); ++i) {
    endpoints[i].identity = i;
  }
  const size_t before = test::LiveHeapBytes();
  const mirror::HashRing ring(endpoints);
  // 16 bytes for each, one endpoint rounded up or down by half a point, in a vector that doubles.
  EXPECT_LE(test::LiveHeapBytes() - before, 2 * 16 * (mirror::HashRing::kMostPoints + endpoints.size() / 2) + 4096);
}

}  // namespace
}  // namespace rpctee
