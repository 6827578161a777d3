#include "mirror/balancer.h"

#include <algorithm>

#include "mirror/hash_ring.h"
#include "mirror/random.h"
#include "mirror/turn_order.h"
#include "mirror/weighted_choice.h"

namespace rpctee::mirror {
namespace {

using Endpoints = std::vector<BalancedEndpoint>;

class RoundRobin final : public Balancer {
 public:
  RoundRobin(const Endpoints& endpoints, uint64_t seed) : random_(seed), turns_(endpoints, random_) {}

  std::optional<size_t> Pick(uint64_t /*hash*/, const Candidates& candidates) override {
    return turns_.Next(candidates, [](size_t) { return 1.0; });
  }

 private:
  Random random_;
  TurnOrder turns_;
};

// Of two at random the one with less to do: nearly as even as asking all, and nobody becomes the goal of all at once.
class TwoChoices final : public Balancer {
 public:
  TwoChoices(const Endpoints& endpoints, uint64_t seed) : random_(seed), choice_(endpoints) {}

  std::optional<size_t> Pick(uint64_t /*hash*/, const Candidates& candidates) override {
    const std::optional<size_t> one = choice_.Draw(random_, candidates);
    const std::optional<size_t> other = choice_.Draw(random_, candidates);
    return one && candidates.Load(*other) < candidates.Load(*one) ? other : one;
  }

 private:
  Random random_;
  WeightedChoice choice_;
};

// With different weights, as Envoy does: turns by weight, and a turn costs more the more there is to do.
class WeightedLeastRequest final : public Balancer {
 public:
  WeightedLeastRequest(const Endpoints& endpoints, uint64_t seed) : random_(seed), turns_(endpoints, random_) {}

  std::optional<size_t> Pick(uint64_t /*hash*/, const Candidates& candidates) override {
    return turns_.Next(candidates, [&](size_t index) { return static_cast<double>(candidates.Load(index)) + 1; });
  }

 private:
  Random random_;
  TurnOrder turns_;
};

class RandomChoice final : public Balancer {
 public:
  RandomChoice(const Endpoints& endpoints, uint64_t seed) : random_(seed), choice_(endpoints) {}

  std::optional<size_t> Pick(uint64_t /*hash*/, const Candidates& candidates) override {
    return choice_.Draw(random_, candidates);
  }

 private:
  Random random_;
  WeightedChoice choice_;
};

class RingHash final : public Balancer {
 public:
  RingHash(const Endpoints& endpoints, uint64_t seed) : random_(seed), ring_(endpoints) {}

  std::optional<size_t> Pick(uint64_t hash, const Candidates& candidates) override {
    return ring_.Find(hash == 0 ? random_.Next() : hash, candidates);
  }

 private:
  Random random_;
  HashRing ring_;
};

bool HaveOneWeight(const Endpoints& endpoints) {
  return std::all_of(endpoints.begin(), endpoints.end(),
                     [&](const BalancedEndpoint& endpoint) { return endpoint.weight == endpoints[0].weight; });
}

}  // namespace

std::unique_ptr<Balancer> MakeBalancer(route::LoadBalancing policy, const Endpoints& endpoints, uint64_t seed) {
  switch (policy) {
    case route::LoadBalancing::kRoundRobin:
      break;
    case route::LoadBalancing::kLeastRequest:
      if (HaveOneWeight(endpoints)) {
        return std::make_unique<TwoChoices>(endpoints, seed);
      }
      return std::make_unique<WeightedLeastRequest>(endpoints, seed);
    case route::LoadBalancing::kRandom:
      return std::make_unique<RandomChoice>(endpoints, seed);
    case route::LoadBalancing::kRingHash:
      return std::make_unique<RingHash>(endpoints, seed);
  }
  return std::make_unique<RoundRobin>(endpoints, seed);
}

}  // namespace rpctee::mirror
