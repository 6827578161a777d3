#include "agent/rule_budgets.h"

namespace rpctee::agent {

RuleBudgets::Account RuleBudgets::Of(const route::Rule& rule) {
  const mirror::RateLimits limits{.requests_per_second = rule.policy.max_requests_per_second,
                                  .bytes_per_second = rule.policy.max_bytes_per_second};
  if (limits.requests_per_second == 0 && limits.bytes_per_second == 0) {
    return nullptr;
  }
  const std::lock_guard lock(mutex_);
  std::erase_if(accounts_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<mirror::RateBudget>& known =
      accounts_[Key(rule.config, rule.route, rule.cluster, limits.requests_per_second, limits.bytes_per_second)];
  Account account = known.lock();
  if (account == nullptr) {
    account = std::make_shared<mirror::RateBudget>(limits);
    known = account;
  }
  return account;
}

}  // namespace rpctee::agent
