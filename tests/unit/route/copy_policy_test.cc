#include <gmock/gmock.h>

#include "route/describe.h"
#include "unit/route/route_builder.h"

namespace rpctee::route {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsSupersetOf;

// Two configurations with two mirror rules each.
RouteSet TwoOfTwo() {
  RouteSet routes;
  routes.clusters = {MakeCluster("v1", {"10.0.0.1:20880"}), MakeCluster("v2", {"10.0.0.2:20880"})};
  for (const char* name : {"org.Demo", "org.Other"}) {
    routes.configs.push_back(
        MakeConfig(name, {MakeRoute("first", {}, {"v1"}, {Mirror("v2")}), MakeRoute("", {}, {"v1"}, {Mirror("v2")})}));
  }
  return routes;
}

std::vector<uint32_t> LimitsOf(const RouteSet& routes) {
  std::vector<uint32_t> limits;
  for (const RouteConfig& config : routes.configs) {
    for (const Route& route : config.routes) {
      limits.push_back(route.mirrors[0].policy.max_requests_per_second);
    }
  }
  return limits;
}

MatchedPolicy Limit(uint32_t limit) {
  MatchedPolicy policy;
  policy.policy.max_requests_per_second = limit;
  return policy;
}

TEST(CopyPolicy, TheFirstPolicyThatFitsARuleAppliesToIt) {
  MatchedPolicy by_config = Limit(1);
  by_config.config = "org.Demo_*";
  by_config.route = "first";
  MatchedPolicy by_number = Limit(2);
  by_number.route = "#2";
  MatchedPolicy by_cluster = Limit(3);
  by_cluster.cluster = "v1";
  RouteSet routes = TwoOfTwo();
  ApplyPolicies({by_config, by_number, by_cluster, Limit(4)}, routes);
  EXPECT_THAT(LimitsOf(routes), ElementsAre(1, 2, 4, 2));
}

TEST(CopyPolicy, APolicyThatNoRuleGetsIsNamedOnceWithItsPlace) {
  MatchedPolicy misspelt = Limit(1);
  misspelt.config = "org.Dmeo_*";
  misspelt.origin = {"agent.yaml", 7, 3};
  MatchedPolicy by_route = Limit(3);
  by_route.route = "first";
  MatchedPolicy by_cluster = Limit(4);
  by_cluster.cluster = "v1";
  RouteSet routes = TwoOfTwo();
  ApplyPolicies({misspelt, Limit(2), by_route, by_cluster}, routes);
  EXPECT_THAT(
      routes.idle_policies,
      ElementsAre("agent.yaml:7:3: policies[0]: no mirror rule fits it (config 'org.Dmeo_*', route '*', cluster '*'), "
                  "so it does nothing",
                  "policies[2]: earlier policies apply to all mirror rules that fit it, so it does nothing",
                  "policies[3]: no mirror rule fits it (config '*', route '*', cluster 'v1'), so it does nothing"));
  EXPECT_THAT(Concerns(*MustBuild(routes)), IsSupersetOf(routes.idle_policies));
}

TEST(CopyPolicy, EachMirrorOfARouteGetsThePolicyThatFitsIt) {
  RouteSet routes = TwoOfTwo();
  Route& route = routes.configs[0].routes[0];
  route.mirrors.push_back(Mirror("v1"));
  MatchedPolicy by_cluster = Limit(7);
  by_cluster.cluster = "v1";
  ApplyPolicies({by_cluster, Limit(8)}, routes);
  EXPECT_EQ(route.mirrors[0].policy.max_requests_per_second, 8U);
  EXPECT_EQ(route.mirrors[1].policy.max_requests_per_second, 7U);
}

TEST(CopyPolicy, PoliciesThatEachHaveARuleAreOfNoConcern) {
  MatchedPolicy first = Limit(1);
  first.config = "org.Demo_*";
  RouteSet routes = TwoOfTwo();
  ApplyPolicies({first, Limit(2)}, routes);
  EXPECT_THAT(routes.idle_policies, IsEmpty());
}

TEST(CopyPolicy, CopiesGetWhatTheRouteThePolicyAndTheMarkAdd) {
  RouteSet routes = TwoOfTwo();
  routes.mark = {.attachment = "rpctee-mirror", .value = "node-1"};
  routes.configs[0].routes[0].mutation = {{"stage", "route"}, {"x", "1"}};
  routes.configs[0].routes[0].mirrors[0].policy.attachments = {{"stage", "policy"}, {"rpctee-mirror", "false"}};
  const auto snapshot = MustBuild(routes);
  const std::span<const Attachment> added = snapshot->rules()[0].additions.attachments();
  EXPECT_THAT((std::vector<Attachment>(added.begin(), added.end())),
              ElementsAre(Attachment{"x", "1"}, Attachment{"stage", "policy"}, Attachment{"rpctee-mirror", "node-1"}));
  EXPECT_EQ(snapshot->rules()[1].additions.attachments().size(), 1U);
}

TEST(CopyPolicy, WhatNoRequestCanHoldRefusesTheRoutes) {
  RouteSet routes = TwoOfTwo();
  routes.configs[0].routes[0].mutation = {{"a", "\n"}};
  const auto built = Snapshot::Build(routes);
  ASSERT_FALSE(built);
  EXPECT_EQ(built.error().message,
            "route 'first' of 'org.Demo_20880': attachment \"a\": its value is not plain text in UTF-8");
}

TEST(CopyPolicy, TheDescriptionNamesAllThatAppliesToARule) {
  RouteSet routes = TwoOfTwo();
  routes.mark = {.attachment = "rpctee-mirror", .value = "node-1", .required = true};
  routes.configs[0].routes[0].mutation = {{"stage", "gray"}};
  routes.configs[0].routes[0].mirrors[0].policy = {.attachments = {{"a", "1"}},
                                                   .oneway = true,
                                                   .allow_methods = {"get*"},
                                                   .deny_methods = {"getSecret"},
                                                   .allow_by_default = false,
                                                   .sample_by = "trace-id",
                                                   .max_requests_per_second = 5,
                                                   .max_bytes_per_second = 6,
                                                   .dry_run = true,
                                                   .load_balancing = LoadBalancing::kRingHash};
  const std::string text = Describe(*MustBuild(routes));
  EXPECT_THAT(text, HasSubstr("mark: rpctee-mirror: \"node-1\" (what can't be marked is not sent)\n"));
  EXPECT_THAT(text, HasSubstr("    mirrors  100% to v2: 10.0.0.2:20880\n"
                              "             with, as the proxy sets, stage: \"gray\"\n"
                              "             with a: \"1\"\n"
                              "             asking for no answer\n"
                              "             not of methods getSecret\n"
                              "             only of methods get*\n"
                              "             sampled by attachment trace-id: the tap takes every request, the agent "
                              "decides\n"
                              "             at most 5 a second\n"
                              "             at most 6 bytes a second\n"
                              "             balanced by ring_hash\n"
                              "             dry run: counted, not sent\n"));
  EXPECT_THAT(DescribeJson(*MustBuild(routes)),
              HasSubstr(R"("policy":{"attachments":{"a":"1"},"oneway":true,"allow_methods":["get*"],)"
                        R"("deny_methods":["getSecret"],"default":"deny","sample_by":"trace-id",)"
                        R"("max_requests_per_second":5,"max_bytes_per_second":6,"dry_run":true,)"
                        R"("load_balancing":"ring_hash"})"));
}

}  // namespace
}  // namespace rpctee::route
