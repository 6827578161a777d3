#include <gtest/gtest.h>

#include "route/keyed_draw.h"
#include "unit/route/fake_request.h"
#include "unit/route/route_builder.h"

namespace rpctee::route {
namespace {

using Kind = Decision::Kind;

// Two subsets of one service: v1 serves, v2 is mirrored to.
// Of the published hash, as a Python program of its own computes it.
static_assert(KeyedDraw("") == 0xf52a15e9);
static_assert(KeyedDraw("a") == 0x02c0bdbf);
static_assert(KeyedDraw("abc-123") == 0xaa6e19eb);

FakeRequest Traced(const std::string& id) { return FakeRequest(std::map<std::string, std::string>{{"trace-id", id}}); }

class DecideTest : public testing::Test {
 protected:
  DecideTest() {
    routes_.clusters = {MakeCluster("v1", {"10.0.0.1:20880", "10.0.0.2:20880"}), MakeCluster("v2", {"10.0.0.3:20880"}),
                        MakeCluster("v3", {"10.0.0.4:20880"})};
  }

  void Config(const std::string& interface_name, std::vector<Route> routes) {
    routes_.configs.push_back(MakeConfig(interface_name, std::move(routes)));
  }

  // "mirror route>cluster ...", or the kind.
  std::string Decide(FakeRequest request, uint32_t draw = 0, const std::string& endpoint = "10.0.0.1:20880") {
    if (snapshot_ == nullptr) {
      snapshot_ = MustBuild(routes_);
    }
    snapshot_->Decide(At(endpoint), request, draw, decision_);
    switch (decision_.kind) {
      case Kind::kNoRoute:
        return "no route";
      case Kind::kNotSampled:
        return "not sampled";
      case Kind::kUndecodable:
        return "undecodable";
      case Kind::kMirror:
        break;
    }
    std::string text = "mirror";
    for (const Rule* rule : decision_.rules) {
      text += " " + rule->route + ">" + rule->cluster;
    }
    return text;
  }

  RouteSet routes_;
  std::shared_ptr<const Snapshot> snapshot_;
  Decision decision_;
};

FakeRequest Call(const std::string& method, const std::string& interface = "demo") {
  return FakeRequest({{"interface", interface}, {"method", method}});
}

TEST_F(DecideTest, ARouteWithoutConditionsTakesEveryRequest) {
  Config("demo", {MakeRoute("all", {}, {"v1"}, {Mirror("v2")})});
  EXPECT_EQ(Decide(Call("say")), "mirror all>v2");
  EXPECT_EQ(Decide(FakeRequest(), UINT32_MAX), "mirror all>v2");
}

TEST_F(DecideTest, AllConditionsOfARouteMustHold) {
  Config("demo", {MakeRoute("both", {Exact("method", "say"), Exact("group", "g")}, {"v1"}, {Mirror("v2")})});
  EXPECT_EQ(Decide(Call("say")), "no route");
  EXPECT_EQ(Decide(FakeRequest({{"method", "say"}, {"group", "g"}})), "mirror both>v2");
}

TEST_F(DecideTest, TheFirstMatchingRouteAloneApplies) {
  Config("demo", {MakeRoute("say", {Exact("method", "say")}, {"v1"}, {Mirror("v2")}),
                  MakeRoute("rest", {}, {"v1"}, {Mirror("v3")})});
  EXPECT_EQ(Decide(Call("say")), "mirror say>v2");
  EXPECT_EQ(Decide(Call("other")), "mirror rest>v3");
}

TEST_F(DecideTest, AFirstMatchThatSendsElsewhereEndsTheSearch) {
  Config("demo", {MakeRoute("say", {Exact("method", "say")}, {"v3"}, {Mirror("v2")}),
                  MakeRoute("rest", {}, {"v1"}, {Mirror("v2")})});
  EXPECT_EQ(Decide(Call("say")), "no route");
  EXPECT_EQ(Decide(Call("other")), "mirror rest>v2");
  EXPECT_EQ(Decide(Call("say"), 0, "10.0.0.4:20880"), "mirror say>v2");
}

TEST_F(DecideTest, AnyOfTheWeightedClustersOfARouteCounts) {
  Config("demo", {MakeRoute("split", {}, {"v3", "v1"}, {Mirror("v2")})});
  EXPECT_EQ(Decide(Call("say"), 0, "10.0.0.2:20880"), "mirror split>v2");
  EXPECT_EQ(Decide(Call("say"), 0, "10.0.0.4:20880"), "mirror split>v2");
  EXPECT_EQ(Decide(Call("say"), 0, "10.0.0.3:20880"), "no route");
}

TEST_F(DecideTest, ARouteWithoutMirrorsOrWithSharesOfZeroIsNoRoute) {
  Config("demo", {MakeRoute("none", {Exact("method", "a")}, {"v1"}, {}),
                  MakeRoute("zero", {Exact("method", "b")}, {"v1"}, {Mirror("v2", 0), Mirror("v3", 0)}),
                  MakeRoute("rest", {}, {"v1"}, {Mirror("v2")})});
  EXPECT_EQ(Decide(Call("a")), "no route");
  EXPECT_EQ(Decide(Call("b")), "no route");
  EXPECT_EQ(Decide(Call("c")), "mirror rest>v2");
}

TEST_F(DecideTest, EachMirrorAppliesBelowItsOwnThreshold) {
  Config("demo", {MakeRoute("r", {}, {"v1"}, {Mirror("v2", 50'000), Mirror("v3", 100'000), Mirror("v3", 0)})});
  const auto five = static_cast<uint32_t>(Share{50'000}.Threshold());
  const auto ten = static_cast<uint32_t>(Share{100'000}.Threshold());
  EXPECT_EQ(Decide(Call("m"), five - 1), "mirror r>v2 r>v3");
  EXPECT_EQ(Decide(Call("m"), five), "mirror r>v3");
  EXPECT_EQ(Decide(Call("m"), ten - 1), "mirror r>v3");
  EXPECT_EQ(Decide(Call("m"), ten), "not sampled");
  EXPECT_TRUE(decision_.rules.empty());
}

TEST_F(DecideTest, AnEndpointThatNoRouteNamesHasNoRoute) {
  Config("demo", {MakeRoute("all", {}, {"v1"}, {Mirror("v2")})});
  EXPECT_EQ(Decide(Call("say"), 0, "10.0.0.3:20880"), "no route");
  EXPECT_EQ(Decide(Call("say"), 0, "10.9.9.9:20880"), "no route");
  EXPECT_EQ(Decide(Call("say"), 0, "10.0.0.1:20881"), "no route");
}

TEST_F(DecideTest, ASharedEndpointPrefersTheConfigurationOfTheRequestsInterface) {
  Config("org.A", {MakeRoute("a", {}, {"v1"}, {Mirror("v2")})});
  Config("org.B", {MakeRoute("b", {}, {"v1"}, {Mirror("v3")})});
  EXPECT_EQ(Decide(Call("m", "org.A")), "mirror a>v2");
  EXPECT_EQ(Decide(Call("m", "ORG.b")), "mirror b>v3");
}

TEST_F(DecideTest, AllConfigurationsOfTheSameInterfaceAreTriedInOrder) {
  Config("org.A", {MakeRoute("first", {}, {"v1"}, {Mirror("v2")})});
  Config("org.B", {MakeRoute("b1", {Exact("method", "x")}, {"v1"}, {Mirror("v2")})});
  Config("org.b", {MakeRoute("b2", {}, {"v1"}, {Mirror("v3")})});
  EXPECT_EQ(Decide(Call("x", "org.B")), "mirror b1>v2");
  EXPECT_EQ(Decide(Call("y", "org.B")), "mirror b2>v3");
}

TEST_F(DecideTest, WhenAnInterfaceIsEqualTheOthersAreNotTried) {
  Config("org.A", {MakeRoute("a", {}, {"v1"}, {Mirror("v2")})});
  Config("org.B", {MakeRoute("b", {Exact("method", "x")}, {"v1"}, {Mirror("v3")})});
  EXPECT_EQ(Decide(Call("y", "org.B")), "no route");
}

TEST_F(DecideTest, WhenNoInterfaceIsEqualAllAreTriedInOrder) {
  Config("org.A", {MakeRoute("a", {Exact("method", "x")}, {"v1"}, {Mirror("v2")})});
  Config("org.B", {MakeRoute("b", {}, {"v1"}, {Mirror("v3")})});
  EXPECT_EQ(Decide(Call("x", "org.C")), "mirror a>v2");
  EXPECT_EQ(Decide(Call("y", "org.C")), "mirror b>v3");
  EXPECT_EQ(Decide(FakeRequest().Undecodable("interface")), "mirror b>v3");
  EXPECT_EQ(Decide(FakeRequest()), "mirror b>v3");
}

TEST_F(DecideTest, AConfigurationWithoutTheEndpointIsNoCandidateEvenWithTheRightInterface) {
  Config("org.A", {MakeRoute("a", {}, {"v1"}, {Mirror("v2")})});
  Config("org.B", {MakeRoute("b", {}, {"v3"}, {Mirror("v2")})});
  EXPECT_EQ(Decide(Call("m", "org.B")), "mirror a>v2");
}

TEST_F(DecideTest, AnEmptyInterfaceEqualsNothing) {
  Config("", {MakeRoute("unnamed", {}, {"v1"}, {Mirror("v2")})});
  Config("org.B", {MakeRoute("b", {}, {"v1"}, {Mirror("v3")})});
  routes_.configs[0].routes[0].matches = {Exact("method", "never")};
  EXPECT_EQ(Decide(Call("m", "")), "mirror b>v3");
}

TEST_F(DecideTest, TheInterfaceIsNotLookedUpWhenOneConfigurationAloneHasTheEndpoint) {
  Config("org.A", {MakeRoute("a", {Exact("method", "x")}, {"v1"}, {Mirror("v2")})});
  Config("org.B", {MakeRoute("b", {}, {"v3"}, {Mirror("v2")})});
  snapshot_ = MustBuild(routes_);
  FakeRequest request = Call("x", "org.C");
  snapshot_->Decide(At("10.0.0.1:20880"), request, 0, decision_);
  EXPECT_EQ(decision_.kind, Kind::kMirror);
  EXPECT_EQ(request.lookups("interface"), 0);
  EXPECT_EQ(request.lookups("method"), 1);
}

TEST_F(DecideTest, AnUnreadableFieldIsNoMatchAndIsReportedWhenNothingElseMatches) {
  Config("demo", {MakeRoute("g", {Exact("group", "g")}, {"v1"}, {Mirror("v2")}),
                  MakeRoute("m", {Exact("method", "x")}, {"v1"}, {Mirror("v3")})});
  EXPECT_EQ(Decide(Call("x").Undecodable("group")), "mirror m>v3");
  EXPECT_EQ(Decide(Call("y").Undecodable("group")), "undecodable");
  EXPECT_EQ(Decide(Call("y")), "no route");
}

TEST_F(DecideTest, ACertainMismatchOutweighsAnUnreadableField) {
  Config("demo", {MakeRoute("r", {Exact("group", "g"), Exact("method", "x")}, {"v1"}, {Mirror("v2")})});
  EXPECT_EQ(Decide(Call("y").Undecodable("group")), "no route");
  EXPECT_EQ(Decide(Call("x").Undecodable("group")), "undecodable");
}

TEST_F(DecideTest, AMatchThatSendsElsewhereIsNoRouteEvenAfterAnUnreadableField) {
  Config("demo", {MakeRoute("g", {Exact("group", "g")}, {"v1"}, {Mirror("v2")}),
                  MakeRoute("away", {}, {"v3"}, {Mirror("v2")})});
  EXPECT_EQ(Decide(Call("x").Undecodable("group")), "no route");
}

TEST_F(DecideTest, AnUnreadableFieldThatNoRuleNeedsChangesNothing) {
  Config("demo", {MakeRoute("all", {}, {"v1"}, {Mirror("v2")})});
  EXPECT_EQ(Decide(FakeRequest().Undecodable("interface").Undecodable("method")), "mirror all>v2");
}

TEST_F(DecideTest, TheStorageOfADecisionIsReused) {
  Config("demo", {MakeRoute("r", {}, {"v1"}, {Mirror("v2"), Mirror("v3")})});
  Decide(Call("m"));
  const Rule* const* storage = decision_.rules.data();
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Decide(Call("m")), "mirror r>v2 r>v3");
    EXPECT_EQ(decision_.rules.data(), storage);
  }
}

TEST_F(DecideTest, SampledByAKeyTheValueDecidesAndNotTheDraw) {
  MirrorPolicy keyed = Mirror("v2", 500'000);
  keyed.policy.sample_by = "trace-id";
  Config("org.Demo", {MakeRoute("r", {}, {"v1"}, {keyed})});
  EXPECT_EQ(Decide(Traced("a"), 0xffffffff), "mirror r>v2") << "its hash is low";
  EXPECT_EQ(Decide(Traced("abc-123"), 0), "not sampled") << "its hash is high";
}

TEST_F(DecideTest, WithoutTheKeyTheDrawDecides) {
  MirrorPolicy keyed = Mirror("v2", 500'000);
  keyed.policy.sample_by = "trace-id";
  Config("org.Demo", {MakeRoute("r", {}, {"v1"}, {keyed})});
  for (const FakeRequest& request : {FakeRequest(), Traced(""), FakeRequest().Undecodable("trace-id")}) {
    EXPECT_EQ(Decide(request, 0x7fffffff), "mirror r>v2");
    EXPECT_EQ(Decide(request, 0x80000000), "not sampled");
  }
}

TEST_F(DecideTest, TheTapTakesEveryRequestWhereTheAgentSamplesByAKey) {
  MirrorPolicy keyed = Mirror("v2", 10'000);
  keyed.policy.sample_by = "trace-id";
  MirrorPolicy nothing = Mirror("v2", 0);
  nothing.policy.sample_by = "trace-id";
  Config("org.Demo", {MakeRoute("r", {}, {"v1"}, {keyed}), MakeRoute("s", {}, {"v3"}, {nothing})});
  snapshot_ = MustBuild(routes_);
  EXPECT_EQ(snapshot_->ThresholdOf(At("10.0.0.1:20880")), uint64_t{1} << 32);
  EXPECT_EQ(snapshot_->ThresholdOf(At("10.0.0.4:20880")), 0U);
}

TEST_F(DecideTest, ASmallerShareOfTheSameKeyIsPartOfALargerOne) {
  MirrorPolicy small = Mirror("v2", 50'000);
  MirrorPolicy large = Mirror("v3", 200'000);
  small.policy.sample_by = large.policy.sample_by = "trace-id";
  Config("org.Demo", {MakeRoute("r", {}, {"v1"}, {small, large})});
  int small_taken = 0;
  int large_taken = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string decided = Decide(Traced("trace-" + std::to_string(i)));
    EXPECT_NE(decided, "mirror r>v2") << "never the smaller one alone";
    small_taken += decided == "mirror r>v2 r>v3" ? 1 : 0;
    large_taken += decided == "not sampled" ? 0 : 1;
  }
  EXPECT_NEAR(small_taken, 500, 100);
  EXPECT_NEAR(large_taken, 2'000, 200);
}

}  // namespace
}  // namespace rpctee::route
