// How each policy spreads copies, with given random numbers and given loads.
#include "mirror/balancer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "base/hash.h"

namespace rpctee::mirror {
namespace {

using route::LoadBalancing;

class Pods final : public Candidates {
 public:
  explicit Pods(size_t count) : load(count, 0) {}
  bool IsUsable(size_t index) const override { return !down.contains(index); }
  size_t Load(size_t index) const override { return load[index]; }

  std::set<size_t> down;
  std::vector<size_t> load;
};

std::vector<BalancedEndpoint> Endpoints(const std::vector<uint32_t>& weights) {
  std::vector<BalancedEndpoint> endpoints;
  for (const uint32_t weight : weights) {
    endpoints.push_back({Mix(1000 + endpoints.size()), weight});
  }
  return endpoints;
}

std::vector<size_t> Counts(Balancer& balancer, const Pods& pods, size_t picks, uint64_t first_hash = 0) {
  std::vector<size_t> counts(pods.load.size());
  for (size_t i = 0; i < picks; ++i) {
    const std::optional<size_t> picked = balancer.Pick(first_hash == 0 ? 0 : first_hash + i, pods);
    EXPECT_TRUE(picked.has_value());
    ++counts[picked.value_or(0)];
  }
  return counts;
}

constexpr LoadBalancing kAll[] = {LoadBalancing::kRoundRobin, LoadBalancing::kLeastRequest, LoadBalancing::kRandom,
                                  LoadBalancing::kRingHash};

TEST(Balancer, NobodyUsableGivesNone) {
  for (const LoadBalancing policy : kAll) {
    Pods pods(3);
    pods.down = {0, 1, 2};
    EXPECT_EQ(MakeBalancer(policy, Endpoints({1, 1, 1}), 7)->Pick(5, pods), std::nullopt);
    EXPECT_EQ(MakeBalancer(policy, Endpoints({2, 1, 1}), 7)->Pick(0, pods), std::nullopt);
    EXPECT_EQ(MakeBalancer(policy, {}, 7)->Pick(0, Pods(0)), std::nullopt);
  }
}

TEST(Balancer, TheOnlyUsableOneGetsAll) {
  for (const LoadBalancing policy : kAll) {
    Pods pods(4);
    pods.down = {0, 1, 3};
    const auto balancer = MakeBalancer(policy, Endpoints({1000, 1, 1, 1000}), 7);
    EXPECT_EQ(Counts(*balancer, pods, 200), (std::vector<size_t>{0, 0, 200, 0}));
  }
}

TEST(Balancer, EveryPolicyKeepsTheWeights) {
  for (const LoadBalancing policy : kAll) {
    const auto balancer = MakeBalancer(policy, Endpoints({1, 2, 5}), 11);
    const std::vector<size_t> counts = Counts(*balancer, Pods(3), 80'000);
    // The ring is as even as its points lie; the others are held to five standard deviations of a random choice.
    const double allowed = policy == LoadBalancing::kRingHash ? 3000 : 800;
    EXPECT_NEAR(static_cast<double>(counts[0]), 10'000, allowed);
    EXPECT_NEAR(static_cast<double>(counts[1]), 20'000, allowed);
    EXPECT_NEAR(static_cast<double>(counts[2]), 50'000, allowed);
  }
}

TEST(RoundRobin, WeightsAreKeptInEveryWindowAndTurnsAreSpread) {
  const auto balancer = MakeBalancer(LoadBalancing::kRoundRobin, Endpoints({5, 1, 2}), 3);
  const Pods pods(3);
  size_t in_a_row = 0;
  for (int window = 0; window < 50; ++window) {
    std::vector<size_t> counts(3);
    for (int i = 0; i < 8; ++i) {
      const size_t picked = *balancer->Pick(0, pods);
      ++counts[picked];
      in_a_row = picked == 0 ? in_a_row + 1 : 0;
      EXPECT_LE(in_a_row, 3U) << "the heavy one may not take its turns all at once";
    }
    EXPECT_EQ(counts, (std::vector<size_t>{5, 1, 2}));
  }
}

TEST(RoundRobin, TheFirstWindowKeepsTheWeightsToo) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const auto balancer = MakeBalancer(LoadBalancing::kRoundRobin, Endpoints({5, 1, 2}), seed);
    EXPECT_EQ(Counts(*balancer, Pods(3), 8), (std::vector<size_t>{5, 1, 2})) << seed;
  }
}

TEST(RoundRobin, AHeavyOneThatComesBackTakesItsTurnsSpreadAndNotAllAtOnce) {
  const auto balancer = MakeBalancer(LoadBalancing::kRoundRobin, Endpoints({1, 10, 1}), 3);
  Pods pods(3);
  pods.down = {1};
  EXPECT_EQ(Counts(*balancer, pods, 100), (std::vector<size_t>{50, 0, 50}));
  pods.down.clear();
  EXPECT_NEAR(static_cast<double>(Counts(*balancer, pods, 24)[1]), 20, 1);
}

TEST(RoundRobin, StartsSomewhereElseWithAnotherSeed) {
  std::set<size_t> first;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    first.insert(*MakeBalancer(LoadBalancing::kRoundRobin, Endpoints({1, 1, 1, 1}), seed)->Pick(0, Pods(4)));
  }
  EXPECT_EQ(first.size(), 4U);
}

TEST(RoundRobin, OneThatComesBackGetsItsShareAndNotWhatItMissed) {
  const auto balancer = MakeBalancer(LoadBalancing::kRoundRobin, Endpoints({1, 1, 1}), 3);
  Pods pods(3);
  pods.down = {1};
  EXPECT_EQ(Counts(*balancer, pods, 1000), (std::vector<size_t>{500, 0, 500}));
  pods.down.clear();
  const std::vector<size_t> counts = Counts(*balancer, pods, 9);
  EXPECT_GE(counts[1], 2U);
  EXPECT_LE(counts[1], 4U);
}

TEST(RoundRobin, StaysExactForALongTime) {
  const auto balancer = MakeBalancer(LoadBalancing::kRoundRobin, Endpoints({1, 3}), 3);
  const std::vector<size_t> counts = Counts(*balancer, Pods(2), 800'000);  // deadlines start again many times
  EXPECT_NEAR(static_cast<double>(counts[0]), 200'000, 1);
}

TEST(LeastRequest, TheBusyOneOfTwoIsLeftAlone) {
  const auto balancer = MakeBalancer(LoadBalancing::kLeastRequest, Endpoints({1, 1, 1, 1}), 3);
  Pods pods(4);
  pods.load[2] = 100;
  const std::vector<size_t> counts = Counts(*balancer, pods, 16'000);
  // Only when both draws are the busy one: 1 of 16.
  EXPECT_NEAR(static_cast<double>(counts[2]), 1000, 200);
}

TEST(LeastRequest, LoadsBecomeEvenWhenAnswersDoNotCome) {
  const auto balancer = MakeBalancer(LoadBalancing::kLeastRequest, Endpoints(std::vector<uint32_t>(20, 1)), 3);
  Pods pods(20);
  for (int i = 0; i < 20'000; ++i) {
    ++pods.load[*balancer->Pick(0, pods)];
  }
  const auto [least, most] = std::minmax_element(pods.load.begin(), pods.load.end());
  EXPECT_LE(*most - *least, 10U);
}

TEST(LeastRequest, WithWeightsAnEndpointTwiceAsStrongHoldsMore) {
  const auto balancer = MakeBalancer(LoadBalancing::kLeastRequest, Endpoints({1, 2}), 3);
  Pods pods(2);
  pods.load = {0, 9};
  const std::vector<size_t> counts = Counts(*balancer, pods, 6000);
  // A turn of the second costs ten times as much and its weight is twice the other's.
  EXPECT_NEAR(static_cast<double>(counts[1]), 1000, 10);
}

TEST(LeastRequest, TurnsStayApartHoweverFarOneWasPutOff) {
  const auto balancer = MakeBalancer(LoadBalancing::kLeastRequest, Endpoints({1, UINT32_MAX, UINT32_MAX}), 3);
  Pods pods(3);
  pods.load[0] = 6'000'000;
  pods.down = {1, 2};
  Counts(*balancer, pods, 2);
  pods.load[0] = 0;
  pods.down.clear();
  EXPECT_NEAR(static_cast<double>(Counts(*balancer, pods, 1000)[1]), 500, 2) << "steps of 2^-32 still count";
}

TEST(Random, WhatOneCannotTakeFallsOnTheOthersByWeight) {
  const auto balancer = MakeBalancer(LoadBalancing::kRandom, Endpoints({1, 6, 3}), 3);
  Pods pods(3);
  pods.down = {1};
  const std::vector<size_t> counts = Counts(*balancer, pods, 40'000);
  EXPECT_NEAR(static_cast<double>(counts[0]), 10'000, 500);
  EXPECT_NEAR(static_cast<double>(counts[2]), 30'000, 500);
}

TEST(Random, NoPickDependsOnTheOneBefore) {
  const auto balancer = MakeBalancer(LoadBalancing::kRandom, Endpoints({1, 1}), 3);
  const Pods pods(2);
  size_t repeated = 0;
  size_t before = *balancer->Pick(0, pods);
  for (int i = 0; i < 10'000; ++i) {
    const size_t picked = *balancer->Pick(0, pods);
    repeated += picked == before ? 1 : 0;
    before = picked;
  }
  EXPECT_NEAR(static_cast<double>(repeated), 5000, 250);
}

TEST(RingHash, OneKeyAlwaysGoesToTheSameEndpoint) {
  const auto one = MakeBalancer(LoadBalancing::kRingHash, Endpoints(std::vector<uint32_t>(10, 1)), 3);
  const auto other = MakeBalancer(LoadBalancing::kRingHash, Endpoints(std::vector<uint32_t>(10, 1)), 99);
  const Pods pods(10);
  for (uint64_t key = 1; key < 1000; ++key) {
    EXPECT_EQ(one->Pick(key, pods), other->Pick(key, pods)) << "also in another worker or agent";
  }
}

TEST(RingHash, WithoutAKeyCopiesGoAnywhere) {
  const auto balancer = MakeBalancer(LoadBalancing::kRingHash, Endpoints(std::vector<uint32_t>(10, 1)), 3);
  for (const size_t count : Counts(*balancer, Pods(10), 10'000)) {
    EXPECT_NEAR(static_cast<double>(count), 1000, 500);
  }
}

TEST(RingHash, WithoutAKeyWorkersDoNotAllBeginAlike) {
  std::set<size_t> first;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    first.insert(*MakeBalancer(LoadBalancing::kRingHash, Endpoints({1, 1, 1, 1}), seed)->Pick(0, Pods(4)));
  }
  EXPECT_EQ(first.size(), 4U);
}

TEST(RingHash, RemovingOneOfTenMovesItsKeysAndNoOthers) {
  constexpr uint64_t kKeys = 20'000;
  const std::vector<BalancedEndpoint> all = Endpoints(std::vector<uint32_t>(10, 1));
  const auto before = MakeBalancer(LoadBalancing::kRingHash, all, 3);
  for (size_t removed = 0; removed < all.size(); ++removed) {
    std::vector<BalancedEndpoint> rest = all;
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(removed));
    const auto after = MakeBalancer(LoadBalancing::kRingHash, rest, 3);
    uint64_t moved = 0;
    for (uint64_t key = 1; key <= kKeys; ++key) {
      const BalancedEndpoint& was = all[*before->Pick(key, Pods(10))];
      const BalancedEndpoint& is = rest[*after->Pick(key, Pods(9))];
      moved += was.identity != is.identity ? 1 : 0;
      EXPECT_TRUE(was.identity == is.identity || was.identity == all[removed].identity);
    }
    EXPECT_NEAR(static_cast<double>(moved), kKeys / 10.0, kKeys / 30.0);
  }
}

TEST(RingHash, TheKeysOfOneThatIsDownSpreadOverTheOthersAndComeBack) {
  const auto balancer = MakeBalancer(LoadBalancing::kRingHash, Endpoints(std::vector<uint32_t>(10, 1)), 3);
  Pods pods(10);
  std::map<uint64_t, size_t> owner;
  for (uint64_t key = 1; key <= 10'000; ++key) {
    owner[key] = *balancer->Pick(key, pods);
  }
  pods.down = {4};
  std::vector<size_t> heirs(10);
  for (const auto& [key, was] : owner) {
    const size_t is = *balancer->Pick(key, pods);
    EXPECT_TRUE(was == 4 || is == was);
    heirs[is] += was == 4 ? 1 : 0;
  }
  EXPECT_EQ(std::count(heirs.begin(), heirs.end(), size_t{0}), 1) << "nobody inherits all";
  pods.down.clear();
  for (const auto& [key, was] : owner) {
    EXPECT_EQ(*balancer->Pick(key, pods), was);
  }
}

}  // namespace
}  // namespace rpctee::mirror
