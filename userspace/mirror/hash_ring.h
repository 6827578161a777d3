// Consistent hashing: endpoints stand many times on a ring of hashes, and a key goes to the next one clockwise. When an
// endpoint comes or goes, only the keys that it takes or had change their place; the others stay.
//
// Immutable after construction; plain computation. kPointsEach points for an endpoint of average weight, of which two
// endpoints differ by about 8 % (one standard deviation), and kMostPoints in all: 1 MiB.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mirror/balancer.h"

namespace rpctee::mirror {

class HashRing {
 public:
  static constexpr uint64_t kPointsEach = 160;
  static constexpr uint64_t kMostPoints = 65'536;

  explicit HashRing(const std::vector<BalancedEndpoint>& endpoints);

  // The first usable one from the key on. Keys need not be well mixed.
  std::optional<size_t> Find(uint64_t key, const Candidates& candidates) const;

 private:
  struct Point {
    uint64_t position = 0;
    uint32_t index = 0;
  };
  std::vector<Point> points_;
};

}  // namespace rpctee::mirror
