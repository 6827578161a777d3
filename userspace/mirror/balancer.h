// Which endpoint of a cluster gets the next copy.
//
// Plain computation, one thread: random numbers come from the seed, what the endpoints can do is asked of the caller.
// The longest that a pick takes is one look at each endpoint (at each point of the ring, for ring hash).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "route/route_set.h"

namespace rpctee::mirror {

struct BalancedEndpoint {
  uint64_t identity = 0;  // stays the same whatever other endpoints there are; any value
  uint32_t weight = 1;    // at least 1
};

// What the endpoints can do now, by their place in the list.
class Candidates {
 public:
  virtual ~Candidates() = default;
  virtual bool IsUsable(size_t index) const = 0;
  // Copies that have not ended.
  virtual size_t Load(size_t index) const = 0;
};

class Balancer {
 public:
  virtual ~Balancer() = default;
  // None when no endpoint is usable. `hash`: of the request, for ring hash; 0 = the request has none.
  virtual std::optional<size_t> Pick(uint64_t hash, const Candidates& candidates) = 0;
};

std::unique_ptr<Balancer> MakeBalancer(route::LoadBalancing policy, const std::vector<BalancedEndpoint>& endpoints,
                                       uint64_t seed);

}  // namespace rpctee::mirror
