// What the copies of each rule may take a second on this node, over all workers and over reloads of the routes.
//
// Shared by the pipelines of all workers: any thread. An account lives as long as somebody holds it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "mirror/budget.h"
#include "route/snapshot.h"

namespace rpctee::agent {

class RuleBudgets {
 public:
  using Account = std::shared_ptr<mirror::RateBudget>;

  // Null where the rule's policy sets no limit. The same account for every rule of the same names and limits.
  Account Of(const route::Rule& rule);

 private:
  using Key = std::tuple<std::string, std::string, std::string, uint64_t, uint64_t>;

  std::mutex mutex_;
  std::map<Key, std::weak_ptr<mirror::RateBudget>> accounts_;
};

}  // namespace rpctee::agent
