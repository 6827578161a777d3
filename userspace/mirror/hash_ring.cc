#include "mirror/hash_ring.h"

#include <algorithm>

#include "base/hash.h"
#include "mirror/random.h"

namespace rpctee::mirror {

HashRing::HashRing(const std::vector<BalancedEndpoint>& endpoints) {
  double sum = 0;
  for (const BalancedEndpoint& endpoint : endpoints) {
    sum += endpoint.weight;
  }
  const double total = static_cast<double>(std::min(kPointsEach * endpoints.size(), kMostPoints));
  for (uint32_t index = 0; index < endpoints.size(); ++index) {
    const double share = endpoints[index].weight / sum;
    const auto points = std::max<uint64_t>(1, static_cast<uint64_t>(total * share + 0.5));
    Random random(endpoints[index].identity);
    for (uint64_t i = 0; i < points; ++i) {
      points_.push_back({random.Next(), index});
    }
  }
  std::sort(points_.begin(), points_.end(), [&](const Point& a, const Point& b) {
    return a.position != b.position ? a.position < b.position
                                    : endpoints[a.index].identity < endpoints[b.index].identity;
  });
}

std::optional<size_t> HashRing::Find(uint64_t key, const Candidates& candidates) const {
  const uint64_t position = Mix(key);
  const auto first = std::lower_bound(points_.begin(), points_.end(), position,
                                      [](const Point& point, uint64_t at) { return point.position < at; });
  const auto start = static_cast<size_t>(first - points_.begin());
  for (size_t i = 0; i < points_.size(); ++i) {
    const size_t index = points_[(start + i) % points_.size()].index;
    if (candidates.IsUsable(index)) {
      return index;
    }
  }
  return std::nullopt;
}

}  // namespace rpctee::mirror
