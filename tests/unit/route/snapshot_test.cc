#include "route/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/route/fake_request.h"
#include "unit/route/route_builder.h"

namespace rpctee::route {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> Watched(const Snapshot& snapshot) {
  std::vector<std::string> text;
  for (const EndpointThreshold& endpoint : snapshot.endpoints()) {
    text.push_back(endpoint.address.ToString() + " " + std::to_string(endpoint.threshold));
  }
  return text;
}

TEST(Snapshot, WithoutRoutesNothingIsWatched) {
  const auto snapshot = MustBuild(RouteSet());
  EXPECT_TRUE(snapshot->endpoints().empty());
  EXPECT_TRUE(snapshot->rules().empty());
  FakeRequest request;
  Decision decision;
  snapshot->Decide(At("10.0.0.1:80"), request, 0, decision);
  EXPECT_EQ(decision.kind, Decision::Kind::kNoRoute);
}

TEST(Snapshot, AnEndpointIsWatchedWithTheLargestThresholdOfItsRules) {
  RouteSet routes;
  routes.clusters = {MakeCluster("v1", {"10.0.0.1:80", "10.0.0.2:80"}), MakeCluster("v2", {"10.0.0.3:80"}),
                     MakeCluster("all", {"10.0.0.2:80", "10.0.0.4:80"})};
  routes.configs = {MakeConfig("a", {MakeRoute("", {Exact("m", "x")}, {"v1"}, {Mirror("v2", 1), Mirror("v2", 500'000)}),
                                     MakeRoute("", {}, {"v1"}, {Mirror("v2", 5000)})}),
                    MakeConfig("b", {MakeRoute("", {}, {"all"}, {Mirror("v2")})})};
  EXPECT_THAT(Watched(*MustBuild(routes)),
              ElementsAre("10.0.0.1:80 2147483648", "10.0.0.2:80 4294967296", "10.0.0.4:80 4294967296"));
}

TEST(Snapshot, EndpointsOfRoutesThatMirrorNothingAreNotWatched) {
  RouteSet routes;
  routes.clusters = {MakeCluster("v1", {"10.0.0.1:80"}), MakeCluster("v2", {"10.0.0.2:80"})};
  routes.configs = {MakeConfig("a", {MakeRoute("", {}, {"v1"}, {Mirror("v2", 0)}), MakeRoute("", {}, {"v2"}, {})})};
  EXPECT_TRUE(MustBuild(routes)->endpoints().empty());
}

TEST(Snapshot, AnUnhealthyEndpointIsWatchedBecauseRequestsMayStillGoThere) {
  RouteSet routes;
  routes.clusters = {MakeCluster("v1", {"10.0.0.1:80"}), MakeCluster("v2", {"10.0.0.2:80"})};
  routes.clusters[0].endpoints[0].healthy = false;
  routes.configs = {MakeConfig("a", {MakeRoute("", {}, {"v1"}, {Mirror("v2")})})};
  EXPECT_EQ(MustBuild(routes)->endpoints().size(), 1u);
}

TEST(Snapshot, ARuleHashesByItsRouteThenByItsClusterAndOnlyForARing) {
  RouteSet routes;
  routes.clusters = {MakeCluster("v1", {"10.0.0.1:80"}), MakeCluster("ring", {"10.0.0.2:80"}),
                     MakeCluster("turns", {"10.0.0.3:80"})};
  routes.clusters[1].load_balancing = LoadBalancing::kRingHash;
  routes.clusters[1].hash_field = "tenant";
  Route own = MakeRoute("", {}, {"v1"}, {Mirror("ring"), Mirror("turns")});
  own.hash_policy = {"user", "zone"};
  routes.configs = {MakeConfig("a", {own, MakeRoute("", {}, {"v1"}, {Mirror("ring")})})};
  const auto snapshot = MustBuild(routes);
  EXPECT_THAT(snapshot->rules()[0].hash_policy, ElementsAre("user", "zone"));
  EXPECT_TRUE(snapshot->rules()[1].hash_policy.empty());
  EXPECT_THAT(snapshot->rules()[2].hash_policy, ElementsAre("tenant"));
  EXPECT_EQ(snapshot->clusters()[1].load_balancing, LoadBalancing::kRingHash);
}

TEST(Snapshot, ClustersThatNoLoadAssignmentNamesAreKeptEmpty) {
  RouteSet routes;
  routes.configs = {MakeConfig("a", {MakeRoute("", {}, {"v1"}, {Mirror("v2")})})};
  const auto snapshot = MustBuild(routes);
  ASSERT_EQ(snapshot->clusters().size(), 2u);
  const Rule& rule = snapshot->rules().at(0);
  EXPECT_EQ(snapshot->clusters().at(rule.cluster_index).name, "v2");
  EXPECT_TRUE(snapshot->clusters().at(rule.cluster_index).endpoints.empty());
}

TEST(Snapshot, AClusterGivenTwiceHasTheEndpointsOfBoth) {
  RouteSet routes;
  routes.clusters = {MakeCluster("v1", {"10.0.0.1:80", "10.0.0.2:80"}),
                     MakeCluster("v1", {"10.0.0.2:80", "10.0.0.3:80"})};
  const auto snapshot = MustBuild(routes);
  ASSERT_EQ(snapshot->clusters().size(), 1u);
  EXPECT_EQ(snapshot->clusters()[0].endpoints.size(), 3u);
}

TEST(Snapshot, RulesSayWhereTheyComeFromAndIndexThemselves) {
  RouteSet routes;
  routes.configs = {MakeConfig(
      "a", {MakeRoute("named", {}, {"v1"}, {Mirror("v2", 5000)}), MakeRoute("", {}, {"v1"}, {Mirror("v3")})})};
  const auto snapshot = MustBuild(routes);
  ASSERT_EQ(snapshot->rules().size(), 2u);
  EXPECT_EQ(snapshot->rules()[0].config, "a_20880");
  EXPECT_EQ(snapshot->rules()[0].route, "named");
  EXPECT_EQ(snapshot->rules()[0].threshold, Share{5000}.Threshold());
  EXPECT_EQ(snapshot->rules()[1].route, "#2");
  EXPECT_EQ(snapshot->rules()[1].id, 1u);
  EXPECT_EQ(snapshot->rules()[1].cluster, "v3");
}

TEST(Snapshot, ABadRegularExpressionFailsWithItsOrigin) {
  RouteSet routes;
  FieldMatch match = Exact("method", "a((");
  match.kind = FieldMatch::Kind::kRegex;
  routes.configs = {MakeConfig("a", {MakeRoute("r", {match}, {"v1"}, {})})};
  routes.configs[0].routes[0].origin = Origin{"routes.yaml", 12, 5};
  const auto snapshot = Snapshot::Build(routes);
  ASSERT_FALSE(snapshot);
  EXPECT_THAT(snapshot.error().message, HasSubstr("routes.yaml:12:5: route 'r' of 'a_20880': "));
}

TEST(Snapshot, OriginLeavesOutWhatIsUnknown) {
  EXPECT_EQ((Origin{"f.yaml", 0, 0}.ToString()), "f.yaml");
  EXPECT_EQ((Origin{"f.yaml", 3, 0}.ToString()), "f.yaml:3");
  EXPECT_EQ((Origin{"f.yaml", 3, 7}.ToString()), "f.yaml:3:7");
  EXPECT_EQ(Origin().ToString(), "");
}

}  // namespace
}  // namespace rpctee::route
