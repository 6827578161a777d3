#include "mirror/weighted_choice.h"

#include <algorithm>

namespace rpctee::mirror {

WeightedChoice::WeightedChoice(const std::vector<BalancedEndpoint>& endpoints) {
  uint64_t sum = 0;
  for (const BalancedEndpoint& endpoint : endpoints) {
    sum += endpoint.weight;
    up_to_.push_back(sum);
  }
}

std::optional<size_t> WeightedChoice::Draw(Random& random, const Candidates& candidates) const {
  if (up_to_.empty()) {
    return std::nullopt;
  }
  const uint64_t draw = random.Below(up_to_.back());
  const auto index = static_cast<size_t>(std::upper_bound(up_to_.begin(), up_to_.end(), draw) - up_to_.begin());
  return candidates.IsUsable(index) ? index : DrawAmongUsable(random, candidates);
}

// The share of those that can't be used falls onto the others by their weights.
std::optional<size_t> WeightedChoice::DrawAmongUsable(Random& random, const Candidates& candidates) const {
  uint64_t sum = 0;
  for (size_t i = 0; i < up_to_.size(); ++i) {
    sum += candidates.IsUsable(i) ? WeightOf(i) : 0;
  }
  if (sum == 0) {
    return std::nullopt;
  }
  uint64_t draw = random.Below(sum);
  for (size_t i = 0; i < up_to_.size(); ++i) {
    const uint64_t weight = candidates.IsUsable(i) ? WeightOf(i) : 0;
    if (draw < weight) {
      return i;
    }
    draw -= weight;
  }
  return std::nullopt;
}

}  // namespace rpctee::mirror
