// One endpoint at random, each as likely as its weight says. Plain computation, one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mirror/balancer.h"
#include "mirror/random.h"

namespace rpctee::mirror {

class WeightedChoice {
 public:
  explicit WeightedChoice(const std::vector<BalancedEndpoint>& endpoints);

  std::optional<size_t> Draw(Random& random, const Candidates& candidates) const;

 private:
  std::optional<size_t> DrawAmongUsable(Random& random, const Candidates& candidates) const;
  uint64_t WeightOf(size_t index) const { return up_to_[index] - (index == 0 ? 0 : up_to_[index - 1]); }

  std::vector<uint64_t> up_to_;  // the sum of weights, this endpoint's included
};

}  // namespace rpctee::mirror
