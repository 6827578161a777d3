// Route configurations and load assignments in the proxies' own forms.
#include "control/envoy_routes.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "unit/control/test_files.h"

namespace rpctee::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = route::FieldMatch::Kind;

class Rds : public RouteFilesTest {
 protected:
  // One Aeraki route with the given body below "name: r", and endpoints for its clusters.
  LoadedRoutes LoadRoute(const std::string& body) {
    return LoadText("name: org.x.Demo_20880\nroutes:\n- name: r\n" + body +
                    "---\n[{cluster_name: c1, endpoints: []}, {cluster_name: c2, endpoints: []}]\n");
  }
  // The share of the only mirror policy, in millionths; -1 when there is none.
  int64_t ShareOf(const std::string& policy) {
    const LoadedRoutes loaded = LoadRoute("  route: {cluster: c1, request_mirror_policies: [" + policy + "]}\n");
    const auto& configs = loaded.routes.configs;
    if (configs.empty() || configs[0].routes.empty() || configs[0].routes[0].mirrors.size() != 1) {
      return -1;
    }
    return configs[0].routes[0].mirrors[0].share.millionths;
  }
};

TEST_F(Rds, EveryKindOfConditionIsTaken) {
  const LoadedRoutes loaded = LoadRoute(R"(  match:
    metadata:
    - {name: a, exact_match: A}
    - {name: b, prefix_match: B}
    - {name: c, suffix_match: C}
    - {name: d, contains_match: D}
    - {name: e, safe_regex_match: {google_re2: {}, regex: "E.*"}}
    - {name: f, range_match: {start: "-10", end: 10}}
    - {name: g, present_match: true}
    - {name: h, present_match: false}
    - {name: i}
    - {name: j, string_match: {exact: J, ignore_case: true}, invert_match: true}
    - {name: k, string_match: {safe_regex: {regex: K}}, treat_missing_header_as_empty: true}
  route: {cluster: c1}
)");
  EXPECT_THAT(Told(loaded), IsEmpty());
  const std::vector<route::FieldMatch>& matches = loaded.routes.configs.at(0).routes.at(0).matches;
  ASSERT_THAT(matches, SizeIs(11));
  EXPECT_EQ(matches[0].kind, Kind::kExact);
  EXPECT_EQ(matches[0].name, "a");
  EXPECT_EQ(matches[0].text, "A");
  EXPECT_EQ(matches[1].kind, Kind::kPrefix);
  EXPECT_EQ(matches[2].kind, Kind::kSuffix);
  EXPECT_EQ(matches[3].kind, Kind::kContains);
  EXPECT_EQ(matches[4].kind, Kind::kRegex);
  EXPECT_EQ(matches[4].text, "E.*");
  EXPECT_EQ(matches[5].kind, Kind::kRange);
  EXPECT_EQ(matches[5].range_start, -10);
  EXPECT_EQ(matches[5].range_end, 10);
  EXPECT_EQ(matches[6].kind, Kind::kPresent);
  EXPECT_TRUE(matches[6].present);
  EXPECT_FALSE(matches[7].present);
  EXPECT_TRUE(matches[8].kind == Kind::kPresent && matches[8].present);
  EXPECT_TRUE(matches[9].ignore_case && matches[9].invert);
  EXPECT_TRUE(matches[10].kind == Kind::kRegex && matches[10].treat_missing_as_empty);
}

TEST_F(Rds, SharesFollowTheContract) {
  EXPECT_EQ(ShareOf("{cluster: c2}"), 1'000'000);
  EXPECT_EQ(ShareOf("{cluster: c2, runtime_fraction: {default_value: {}}}"), 0);
  EXPECT_EQ(ShareOf("{cluster: c2, runtime_fraction: {default_value: {numerator: 0, denominator: MILLION}}}"), 0);
  EXPECT_EQ(ShareOf("{cluster: c2, runtime_fraction: {default_value: {numerator: 5}}}"), 50'000);
  EXPECT_EQ(ShareOf("{cluster: c2, runtime_fraction: {default_value: {numerator: 50, denominator: TEN_THOUSAND}}}"),
            5'000);
  EXPECT_EQ(ShareOf("{cluster: c2, runtime_fraction: {default_value: {numerator: 1, denominator: MILLION}}}"), 1);
  EXPECT_EQ(ShareOf("{cluster: c2, runtime_fraction: {default_value: {numerator: 101, denominator: HUNDRED}}}"),
            1'000'000);
  EXPECT_EQ(ShareOf("{cluster: c2, runtime_fraction: {}}"), -1);
  EXPECT_EQ(ShareOf("{runtime_fraction: {default_value: {numerator: 5}}}"), -1);
}

TEST_F(Rds, BothFormsNameTheFieldsOfTheHash) {
  const LoadedRoutes aeraki = LoadRoute("  route: {cluster: c1, hash_policy: [user, zone]}\n");
  ASSERT_THAT(aeraki.routes.configs, SizeIs(1));
  EXPECT_THAT(aeraki.routes.configs[0].routes.at(0).hash_policy, ElementsAre("user", "zone"));
  const LoadedRoutes envoy = LoadText(R"({"name": "x_1", "virtual_hosts": [{"name": "v", "domains": ["*"], "routes": [
   {"name": "r", "match": {"prefix": "/"}, "route": {"cluster": "c1", "hash_policy": [
     {"header": {"header_name": "user"}}, {"cookie": {"name": "c"}}]}}]}]})");
  ASSERT_THAT(envoy.routes.configs, SizeIs(1));
  EXPECT_THAT(envoy.routes.configs[0].routes.at(0).hash_policy, ElementsAre("user"));
}

TEST_F(Rds, EnvoyFormTakesTheVirtualHostForEveryDomain) {
  const LoadedRoutes loaded = LoadText(R"({"name": "org.x.Demo_20880", "virtual_hosts": [
 {"name": "other", "domains": ["x.org"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "wrong"}}]},
 {"name": "dummy", "domains": ["*"], "routes": [
  {"name": "r", "match": {"prefix": "/", "headers": [{"name": "method", "exact_match": "sayHello"}]},
   "route": {"weighted_clusters": {"clusters": [{"name": "c1", "weight": 20}, {"name": "c3", "weight": 80}]},
             "timeout": "0s", "retry_policy": {"num_retries": 2},
             "request_mirror_policies": [{"cluster": "c2"}, {"cluster": "c4", "trace_sampled": false}]},
   "decorator": {"operation": "x"}}]}]})");
  ASSERT_THAT(loaded.routes.configs, SizeIs(1));
  const route::RouteConfig& config = loaded.routes.configs[0];
  EXPECT_EQ(config.interface_name, "org.x.Demo");
  ASSERT_THAT(config.routes, SizeIs(1));
  EXPECT_THAT(config.routes[0].clusters, ElementsAre("c1", "c3"));
  EXPECT_THAT(config.routes[0].mirrors, SizeIs(2));
  const std::string told = ::testing::PrintToString(Told(loaded));
  EXPECT_THAT(told, HasSubstr("warning 2:2 virtual_hosts[0]: only the first virtual host for every domain"));
  EXPECT_THAT(told, HasSubstr("trace_sampled and disable_shadow_host_suffix_append mean nothing here"));
}

TEST_F(Rds, UnsupportedPartOfARouteSkipsItWithPlaceAndPath) {
  const char* const bodies[] = {
      "  match: {metadata: [{name: a, prefx_match: A}]}\n  route: {cluster: c1}\n",
      "  match: {metadata: [{name: a, string_match: {custom: {}}}]}\n  route: {cluster: c1}\n",
      "  match: {metdata: [{name: a, exact_match: A}]}\n  route: {cluster: c1}\n",
      "  mtch: {metadata: [{name: a, exact_match: A}]}\n  route: {cluster: c1}\n",
      "  match:\n  route: {cluster: c1}\n",
      "  match: {metadata: [{exact_match: A}]}\n  route: {cluster: c1}\n",
      "  match: {metadata: [{name: a, prefix_match: \"\"}]}\n  route: {cluster: c1}\n",
      "  route: {cluster_header: x}\n",
      "  route: {cluster: \"\"}\n",
      "  route: {weighted_clusters: {clusters: [{weight: 1}]}}\n",
      "  route: {cluster: c1, request_mirror_policies: [{cluster: c2, fraction: 5}]}\n",
      "  route: {cluster: c1, request_mirror_policies: [{cluster: c2, runtime_fraction:}]}\n",
      "  route: {cluster: c1, request_mirror_polices: [{cluster: c2}]}\n",
      "  redirect: {}\n",
  };
  for (const char* body : bodies) {
    const LoadedRoutes loaded = LoadRoute(body);
    EXPECT_FALSE(loaded.refused()) << body;
    ASSERT_THAT(loaded.routes.configs, SizeIs(1)) << body;
    EXPECT_THAT(loaded.routes.configs[0].routes, IsEmpty()) << body;
    EXPECT_THAT(::testing::PrintToString(Told(loaded)), HasSubstr("the route \\\"r\\\" is skipped")) << body;
  }
  EXPECT_THAT(Told(LoadRoute(bodies[0])),
              ElementsAre("warning 4:32 routes[0].match.metadata[0].prefx_match is not known (did you mean "
                          "\"prefix_match\"?); the route \"r\" is skipped"));
}

TEST_F(Rds, ConditionsOnHttpPathsSkipTheRoute) {
  const LoadedRoutes loaded = LoadText(R"({"name": "x_80", "virtual_hosts": [{"domains": ["*"], "routes": [
    {"match": {"prefix": "/api"}, "route": {"cluster": "c1"}}, {"match": {"path": "/"}, "route": {"cluster": "c1"}},
    {"match": {}, "redirect": {"path_redirect": "/x"}}]}]})");
  EXPECT_THAT(loaded.routes.configs.at(0).routes, IsEmpty());
  EXPECT_THAT(Told(loaded), SizeIs(3));
}

TEST_F(Rds, WhatTheProxySetsInRequestsIsSetInCopies) {
  const LoadedRoutes loaded = LoadRoute(R"(  request_mutation:
  - {key: stage, value: "50%"}
  - {key: "", value: x}
  route: {cluster: c1, request_mirror_policies: [{cluster: c2}]}
)");
  EXPECT_THAT(loaded.routes.configs.at(0).routes.at(0).mutation,
              ::testing::ElementsAre(route::Attachment{"stage", "50%"}));
  ASSERT_THAT(Told(loaded), SizeIs(1));
  EXPECT_THAT(Told(loaded)[0], HasSubstr("attachment \"\": its name is empty; copies don't get it"));
}

TEST_F(Rds, HeadersInEnvoysFormAreSetInCopiesAsFarAsTheyAreText) {
  const LoadedRoutes loaded = LoadText(R"(
name: demo_20880
virtual_hosts:
- name: demo
  domains: ["*"]
  request_headers_to_add: [{header: {key: from, value: host}}]
  request_headers_to_remove: [cookie]
  routes:
  - match: {prefix: /}
    route: {cluster: c1, request_mirror_policies: [{cluster: c2}]}
    request_headers_to_add:
    - {header: {key: from, value: route}, append: false}
    - {header: {key: share, value: "5%%"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}
    - {header: {key: peer, value: "%DOWNSTREAM_REMOTE_ADDRESS%"}}
    - {header: {key: maybe, value: x}, append_action: ADD_IF_ABSENT}
)");
  EXPECT_THAT(loaded.routes.configs.at(0).routes.at(0).mutation,
              ::testing::ElementsAre(route::Attachment{"from", "route"}, route::Attachment{"share", "5%"},
                                     route::Attachment{"maybe", "x"}, route::Attachment{"from", "host"}));
  EXPECT_THAT(Told(loaded), ::testing::UnorderedElementsAre(
                                HasSubstr("the value of \"peer\" is put together by the proxy; copies don't get it"),
                                HasSubstr("\"maybe\" is set in copies whether the request has it or not"),
                                HasSubstr("what the proxy removes from requests is not removed from copies"),
                                HasSubstr("\"c1\" has no endpoints"), HasSubstr("\"c2\" has no endpoints")));
}

TEST_F(Rds, UnknownKeyElsewhereIsAWarningOnly) {
  const LoadedRoutes loaded = LoadText("name: x_1\ncolour: red\nroutes: [{name: r, route: {cluster: c1}}]\n");
  EXPECT_THAT(loaded.routes.configs.at(0).routes, SizeIs(1));
  EXPECT_THAT(Told(loaded), ElementsAre("warning 2:1 colour is not known; passed over"));
}

TEST_F(Rds, WholeConfigDumpGivesItsRoutesAndEndpointsAndOneLineForTheRest) {
  const LoadedRoutes loaded = LoadText(R"({"configs": [
 {"@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump", "bootstrap": {"node": {}}},
 {"@type": "type.googleapis.com/envoy.admin.v3.ClustersConfigDump"},
 {"@type": "type.googleapis.com/aeraki.meta_protocol_proxy.admin.v1alpha.RoutesConfigDump",
  "static_route_configs": [{"route_config": {
    "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
    "name": "b_1", "virtual_hosts": [{"domains": ["*"], "routes": [{"route": {"cluster": "c1"}}]}]}}],
  "dynamic_route_configs": [{"version_info": "1", "last_updated": "2022-07-20T04:07:57.564Z", "route_config": {
    "@type": "type.googleapis.com/aeraki.meta_protocol_proxy.config.route.v1alpha.RouteConfiguration",
    "name": "a_1", "routes": [{"route": {"cluster": "c1", "request_mirror_policies": [{"cluster": "c2"}]}}]}}]},
 {"@type": "type.googleapis.com/envoy.admin.v3.EndpointsConfigDump",
  "dynamic_endpoint_configs": [
   {"endpoint_config": {"@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
    "cluster_name": "c1", "endpoints": [{"locality": {}, "lb_endpoints": [
      {"endpoint": {"address": {"socket_address": {"address": "10.0.0.1", "port_value": 1}}}}]}]}},
   {"endpoint_config": {"@type": "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment",
    "cluster_name": "c2"}}]}
]})");
  EXPECT_THAT(Told(loaded),
              ElementsAre("info 1:1 2 of 4 parts of the dump say nothing about routes or endpoints; passed over"));
  ASSERT_THAT(loaded.routes.configs, SizeIs(2));
  EXPECT_EQ(loaded.routes.configs[0].name, "a_1");
  EXPECT_EQ(loaded.routes.configs[1].name, "b_1");
  EXPECT_EQ(EndpointsOf(loaded, "c1"), "10.0.0.1:1");
  EXPECT_EQ(EndpointsOf(loaded, "c2"), "");
}

TEST_F(Rds, RefusedConfigurationInADumpIsNeverTakenForRoutes) {
  const LoadedRoutes loaded = LoadText(R"({"dynamic_route_configs": [{"error_state": {"failed_configuration": {
    "@type": "type.googleapis.com/aeraki.meta_protocol_proxy.config.route.v1alpha.RouteConfiguration",
    "name": "a_1", "routes": [{"route": {"cluster": "c1", "request_mirror_policies": [{"cluster": "c2"}]}}]}}}]})");
  EXPECT_THAT(loaded.routes.configs, IsEmpty());
  EXPECT_THAT(Told(loaded), ElementsAre(HasSubstr("dynamic_route_configs[0].error_state is not known; passed over")));
}

TEST_F(Rds, EndpointsHaveHealthAndWeight) {
  const LoadedRoutes loaded = LoadText(R"({"cluster_name": "c", "endpoints": [{"lb_endpoints": [
   {"endpoint": {"address": {"socket_address": {"address": "10.0.0.1", "port_value": 1}}}, "health_status": "HEALTHY"},
   {"endpoint": {"address": {"socket_address": {"address": "10.0.0.2", "port_value": 1}}}, "health_status": "UNHEALTHY"},
   {"endpoint": {"address": {"socket_address": {"address": "10.0.0.3", "port_value": 1}}}, "health_status": "DEGRADED"},
   {"endpoint": {"address": {"socket_address": {"address": "10.0.0.4", "port_value": 1}}}, "health_status": "DRAINING"},
   {"endpoint": {"address": {"socket_address": {"address": "10.0.0.5", "port_value": 1}}}, "health_status": "TIMEOUT"},
   {"endpoint": {"address": {"socket_address": {"address": "fd00::6", "port_value": 1}}}, "load_balancing_weight": 3},
   {"endpoint": {"address": {"socket_address": {"address": "10.0.0.8", "port_value": 1}}}, "load_balancing_weight": 0},
   {"endpoint": {"address": {"socket_address": {"address": "a.example", "port_value": 1}}}},
   {"endpoint": {"address": {"pipe": {"path": "/x"}}}},
   {"endpoint": {"address": {"socket_address": {"address": "10.0.0.7", "port_value": 65536}}}}]}]})");
  EXPECT_EQ(EndpointsOf(loaded, "c"),
            "10.0.0.1:1 10.0.0.2:1 (unhealthy) 10.0.0.3:1 10.0.0.4:1 (unhealthy) 10.0.0.5:1 (unhealthy) "
            "[fd00::6]:1 (weight 3) 10.0.0.8:1 (weight 0)");
  EXPECT_THAT(Told(loaded), SizeIs(4));  // three without an address, and the pipe by name
}

// As messages come from the wire, where the source map is empty.
TEST(RdsMessages, FieldThatTheSubsetDoesNotKnowSkipsTheRoute) {
  envoy::config::route::v3::RouteConfiguration configuration;
  configuration.set_name("x_1");
  auto& host = *configuration.add_virtual_hosts();
  host.add_domains("*");
  auto& known = *host.add_routes();
  known.mutable_route()->set_cluster("c1");
  auto& unknown = *host.add_routes();
  unknown.mutable_route()->set_cluster("c1");
  auto& matcher = *unknown.mutable_match()->add_headers();
  matcher.set_name("a");
  matcher.GetReflection()->MutableUnknownFields(&matcher)->AddLengthDelimited(99, "future condition");
  const SourceMap sources(route::Origin{"xds", 0, 0});
  Diagnostics diagnostics;
  Reporter reporter(sources, diagnostics);
  EXPECT_THAT(ToRouteConfig(configuration, reporter).routes, SizeIs(1));
  ASSERT_THAT(diagnostics, SizeIs(1));
  EXPECT_EQ(diagnostics[0].ToString(), "xds: warning: field number 99 is not supported; the route is skipped");
}

TEST(RdsMessages, MessagesKeepTheNumbersOfTheirOriginals) {
  // RouteConfiguration{name: "x_1", virtual_hosts: {domains: "*", routes: {match: {prefix: "/"}, route: {cluster: "c1",
  // request_mirror_policies: {cluster: "c2", runtime_fraction: {default_value: {numerator: 5, denominator: MILLION}}}},
  // name: "r"}}}, as Envoy's numbers put it on the wire.
  const std::string policy = std::string(
      "\x0a\x02"
      "c2"
      "\x1a\x06\x0a\x04\x08\x05\x10\x02",
      12);
  const std::string action = std::string(
                                 "\x0a\x02"
                                 "c1"
                                 "\xf2\x01\x0c",
                                 7) +
                             policy;
  const std::string body =
      std::string("\x0a\x03\x0a\x01/\x12", 6) + static_cast<char>(action.size()) + action + "\x72\x01r";
  const std::string vhost = std::string("\x12\x01*\x1a", 4) + static_cast<char>(body.size()) + body;
  const std::string wire = std::string("\x0a\x03x_1\x12", 6) + static_cast<char>(vhost.size()) + vhost;
  envoy::config::route::v3::RouteConfiguration configuration;
  ASSERT_TRUE(configuration.ParseFromString(wire));
  const SourceMap sources;
  Diagnostics diagnostics;
  Reporter reporter(sources, diagnostics);
  const route::RouteConfig config = ToRouteConfig(configuration, reporter);
  EXPECT_THAT(diagnostics, IsEmpty());
  ASSERT_THAT(config.routes, SizeIs(1));
  EXPECT_EQ(config.routes[0].name, "r");
  EXPECT_THAT(config.routes[0].clusters, ElementsAre("c1"));
  ASSERT_THAT(config.routes[0].mirrors, SizeIs(1));
  EXPECT_EQ(config.routes[0].mirrors[0].cluster, "c2");
  EXPECT_EQ(config.routes[0].mirrors[0].share.millionths, 5U);
}

}  // namespace
}  // namespace rpctee::control
