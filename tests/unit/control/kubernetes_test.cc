// MetaRouter, ServiceEntry, DestinationRule, Deployment and Pod.
#include "unit/control/test_files.h"

namespace rpctee::control {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = route::FieldMatch::Kind;

const char kServiceEntry[] = R"(---
apiVersion: networking.istio.io/v1beta1
kind: ServiceEntry
metadata: {name: demo, namespace: ns}
spec:
  hosts: [demo.host]
  ports: [{number: 20880, name: tcp-metaprotocol-dubbo, protocol: TCP, targetPort: 20990}]
  workloadSelector: {labels: {app: demo}}
  resolution: STATIC
)";

std::string Pod(const std::string& name, const std::string& labels, const std::string& status,
                const std::string& metadata = "") {
  return "---\n{apiVersion: v1, kind: Pod, metadata: {name: " + name + ", namespace: ns, labels: {" + labels + "}" +
         metadata + "}, status: {" + status + "}}\n";
}

std::string Router(const std::string& route) {
  return "---\n{apiVersion: metaprotocol.aeraki.io/v1alpha1, kind: MetaRouter, metadata: {name: r, namespace: ns},\n"
         " spec: {hosts: [demo.host], routes: [\n" +
         route + "]}}\n";
}

class Kubernetes : public RouteFilesTest {
 protected:
  LoadedRoutes LoadRoute(const std::string& route) { return LoadText(Router(route) + kServiceEntry); }
  // The share of the only mirror in millionths; -1 when there is none.
  int64_t ShareOf(const std::string& percentage) {
    const LoadedRoutes loaded =
        LoadRoute("{route: [{destination: {host: demo.host, subset: v1}}], mirror: {host: demo.host, subset: v2}" +
                  percentage + "}");
    const auto& configs = loaded.routes.configs;
    told_ = ::testing::PrintToString(Told(loaded));
    if (configs.size() != 1 || configs[0].routes.size() != 1 || configs[0].routes[0].mirrors.size() != 1) {
      return -1;
    }
    return configs[0].routes[0].mirrors[0].share.millionths;
  }
  std::string told_;
};

TEST_F(Kubernetes, MirrorPercentageFollowsTheContract) {
  EXPECT_EQ(ShareOf(""), 1'000'000);
  EXPECT_EQ(ShareOf(", mirrorPercentage: {value: 100.0}"), 1'000'000);
  EXPECT_EQ(ShareOf(", mirrorPercentage: {value: 0}"), 0);
  EXPECT_EQ(ShareOf(", mirrorPercentage: {}"), 0);
  EXPECT_EQ(ShareOf(", mirrorPercentage: {value: 0.5}"), 5'000);
  EXPECT_EQ(ShareOf(", mirrorPercentage: {value: 0.0001}"), 1);
  EXPECT_EQ(ShareOf(", mirrorPercentage: {value: 150}"), 1'000'000);
  EXPECT_THAT(told_, HasSubstr("mirrorPercentage: 150 is not from 0 to 100: taken as 100%"));
  EXPECT_EQ(ShareOf(", mirrorPercentage: {value: -1}"), 0);
  EXPECT_EQ(ShareOf(", mirrorPercentage: {value: 0.00001}"), 0);
  EXPECT_THAT(told_, HasSubstr("nothing will be mirrored"));
}

TEST_F(Kubernetes, MisspeltOrEmptyPercentageNeverMeansAHundred) {
  EXPECT_EQ(ShareOf(", mirorPercentage: {value: 1}"), -1);
  EXPECT_EQ(ShareOf(", mirrorPercentage: "), -1);
  EXPECT_EQ(ShareOf(", mirrorPercentage: {percent: 1}"), -1);
  EXPECT_THAT(told_, HasSubstr("spec.routes[0].mirrorPercentage.percent is not known; the route is skipped"));
  EXPECT_EQ(ShareOf(", mirrorPercentage: 1"), -1);
  EXPECT_THAT(told_, HasSubstr("error 4:114 spec.routes[0].mirrorPercentage: expected a map (Percent)"));
}

TEST_F(Kubernetes, AttributesBecomeConditionsInTheOrderOfTheirNames) {
  const LoadedRoutes loaded = LoadRoute(
      "{match: {attributes: {method: {prefix: say}, interface: {exact: x}, foo: {regex: \"a.*\"}, bar: {}}}, "
      "route: [{destination: {host: demo.host}}]}");
  const auto& matches = loaded.routes.configs.at(0).routes.at(0).matches;
  ASSERT_THAT(matches, SizeIs(4));
  EXPECT_TRUE(matches[0].name == "bar" && matches[0].kind == Kind::kPresent);
  EXPECT_TRUE(matches[1].name == "foo" && matches[1].kind == Kind::kRegex && matches[1].text == "a.*");
  EXPECT_TRUE(matches[2].name == "interface" && matches[2].kind == Kind::kExact);
  EXPECT_TRUE(matches[3].name == "method" && matches[3].kind == Kind::kPrefix);
}

TEST_F(Kubernetes, UnsupportedAttributeMatchSkipsTheRoute) {
  const LoadedRoutes loaded =
      LoadRoute("{name: a, match: {attributes: {method: {suffix: x}}}, route: [{destination: {host: demo.host}}]}");
  EXPECT_THAT(loaded.routes.configs.at(0).routes, IsEmpty());
  EXPECT_THAT(Told(loaded), ElementsAre("warning 4:41 spec.routes[0].match.attributes.method.suffix is not known; the "
                                        "route \"a\" is skipped"));
}

TEST_F(Kubernetes, DestinationsBecomeClusterNames) {
  const LoadedRoutes loaded = LoadRoute(
      "{route: [{destination: {host: demo.host, subset: v1}, weight: 20}, {destination: {host: demo.host, port: "
      "{number: 7}}, weight: 80}], mirror: {host: other.host, subset: m, port: {number: 9}}}");
  const route::Route& route = loaded.routes.configs.at(0).routes.at(0);
  EXPECT_EQ(loaded.routes.configs[0].name, "demo.host_20880");
  EXPECT_EQ(loaded.routes.configs[0].interface_name, "demo.host");
  EXPECT_THAT(route.clusters, ElementsAre("outbound|20880|v1|demo.host", "outbound|7||demo.host"));
  EXPECT_EQ(route.mirrors.at(0).cluster, "outbound|9|m|other.host");
}

TEST_F(Kubernetes, MetaRouterWithoutAKnownPortIsSkippedWithTheReason) {
  const LoadedRoutes loaded = LoadText(Router("{route: [{destination: {host: demo.host, subset: v1}}]}"));
  EXPECT_THAT(loaded.routes.configs, IsEmpty());
  EXPECT_THAT(
      Told(loaded),
      ElementsAre(AllOf(HasSubstr("warning 2:1 MetaRouter \"r\" is skipped: the port of demo.host is not known"))));
  const LoadedRoutes with_port =
      LoadText(Router("{route: [{destination: {host: demo.host, subset: v1, port: {number: 5}}}]}"));
  EXPECT_EQ(with_port.routes.configs.at(0).name, "demo.host_5");
}

TEST_F(Kubernetes, ServiceOfTwoPortsTellsEachWarningOnce) {
  const LoadedRoutes loaded =
      LoadText(Router("{name: a, colour: red, route: [{destination: {host: demo.host}}]}") + R"(---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: demo}
spec:
  hosts: [demo.host]
  ports: [{number: 1, name: tcp-metaprotocol-dubbo}, {number: 3, name: tcp-metaprotocol-x}]
  endpoints: [{address: 10.0.0.9}]
)");
  EXPECT_THAT(Told(loaded), ElementsAre("warning 4:11 spec.routes[0].colour is not known; the route \"a\" is skipped"));
}

TEST_F(Kubernetes, OneConfigurationForEachMetaProtocolPort) {
  const LoadedRoutes loaded = LoadText(Router("{route: [{destination: {host: demo.host}}]}") + R"(---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: demo}
spec:
  hosts: [Demo.Host]
  ports: [{number: 1, name: tcp-metaprotocol-dubbo}, {number: 2, name: http}, {number: 3, name: tcp-metaprotocol-x}]
  endpoints: [{address: 10.0.0.9}]
)");
  ASSERT_THAT(loaded.routes.configs, SizeIs(2));
  EXPECT_EQ(loaded.routes.configs[0].name, "demo.host_1");
  EXPECT_EQ(loaded.routes.configs[1].name, "demo.host_3");
  EXPECT_THAT(loaded.routes.configs[1].routes.at(0).clusters, ElementsAre("outbound|3||demo.host"));
  EXPECT_EQ(EndpointsOf(loaded, "outbound|3||demo.host"), "10.0.0.9:3");
}

constexpr char kRunning[] = "phase: Running, podIP: ";
const char kBoth[] =
    "{name: a, route: [{destination: {host: demo.host, subset: one}}], mirror: {host: demo.host, subset: two}}";

TEST_F(Kubernetes, DestinationRuleSaysWhichLabelsASubsetHas) {
  const LoadedRoutes loaded = LoadText(Router(kBoth) + kServiceEntry + R"(---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: {name: demo, namespace: ns}
spec:
  host: demo.host
  trafficPolicy: {loadBalancer: {simple: RANDOM}}
  subsets: [{name: one, labels: {track: stable}}, {name: two, labels: {track: canary}, trafficPolicy: {}}]
)" + Pod("a", "app: demo, track: stable", std::string(kRunning) + "10.0.0.1") +
                                       Pod("b", "app: demo, track: canary", std::string(kRunning) + "10.0.0.2") +
                                       Pod("c", "app: other, track: canary", std::string(kRunning) + "10.0.0.3"));
  EXPECT_THAT(Told(loaded), IsEmpty());
  EXPECT_EQ(EndpointsOf(loaded, "outbound|20880|one|demo.host"), "10.0.0.1:20990");
  EXPECT_EQ(EndpointsOf(loaded, "outbound|20880|two|demo.host"), "10.0.0.2:20990");
}

route::Cluster FindCluster(const LoadedRoutes& loaded, const std::string& name) {
  for (const route::Cluster& cluster : loaded.routes.clusters) {
    if (cluster.name == name) {
      return cluster;
    }
  }
  ADD_FAILURE() << name;
  return {};
}

TEST_F(Kubernetes, TrafficPolicyOfTheSubsetThenOfTheHostSaysHowCopiesAreBalanced) {
  using route::LoadBalancing;
  const auto load = [&](const std::string& host, const std::string& subset) {
    return FindCluster(LoadText(Router(kBoth) + kServiceEntry + R"(---
apiVersion: networking.istio.io/v1alpha3
kind: DestinationRule
metadata: {name: demo, namespace: ns}
spec:
  host: demo.host
  trafficPolicy: )" + host + R"(
  subsets: [{name: one, labels: {track: stable}}, {name: two, labels: {track: canary}, trafficPolicy: )" +
                                subset + R"(}]
)" + Pod("b", "app: demo, track: canary", std::string(kRunning) + "10.0.0.2")),
                       "outbound|20880|two|demo.host");
  };
  EXPECT_EQ(load("{}", "{}").load_balancing, LoadBalancing::kRoundRobin);
  EXPECT_EQ(load("{loadBalancer: {simple: RANDOM}}", "{tls: {mode: DISABLE}}").load_balancing, LoadBalancing::kRandom);
  EXPECT_EQ(load("{loadBalancer: {simple: RANDOM}}", "{loadBalancer: {simple: LEAST_REQUEST}}").load_balancing,
            LoadBalancing::kLeastRequest);
  EXPECT_EQ(load("{loadBalancer: {simple: LEAST_CONN}}", "{}").load_balancing, LoadBalancing::kLeastRequest);
  EXPECT_EQ(load("{loadBalancer: {simple: PASSTHROUGH}}", "{}").load_balancing, LoadBalancing::kRoundRobin);
  const route::Cluster hashed =
      load("{}", "{loadBalancer: {consistentHash: {httpHeaderName: user, ringHash: {minimumRingSize: 1024}}}}");
  EXPECT_EQ(hashed.load_balancing, LoadBalancing::kRingHash);
  EXPECT_EQ(hashed.hash_field, "user");
  EXPECT_EQ(load("{}", "{loadBalancer: {consistentHash: {useSourceIp: true}}}").load_balancing,
            LoadBalancing::kRoundRobin);
}

TEST_F(Kubernetes, SubsetThatNothingTellsStaysEmptyWithAWarning) {
  const LoadedRoutes loaded =
      LoadText(Router(kBoth) + kServiceEntry + Pod("a", "app: demo, version: one", std::string(kRunning) + "10.0.0.1"));
  EXPECT_EQ(EndpointsOf(loaded, "outbound|20880|one|demo.host"), "10.0.0.1:20990");
  EXPECT_EQ(EndpointsOf(loaded, "outbound|20880|two|demo.host"), "");
  EXPECT_THAT(::testing::PrintToString(Told(loaded)),
              HasSubstr("no DestinationRule defines subset \\\"two\\\" of demo.host: cluster "
                        "\\\"outbound|20880|two|demo.host\\\" has no endpoints"));
}

TEST_F(Kubernetes, OnlyRunningPodsWithAnAddressThatAreNotTerminatingAreEndpoints) {
  const std::string labels = "app: demo, version: one";
  const LoadedRoutes loaded = LoadText(
      Router(kBoth) + kServiceEntry + Pod("a", labels, "phase: Pending, podIP: 10.0.0.1") +
      Pod("b", labels, "phase: Running") +
      Pod("c", labels, "phase: Running, podIP: 10.0.0.3", ", deletionTimestamp: \"2022-07-20T03:50:00Z\"") +
      Pod("d", labels, "phase: Running, podIPs: [{ip: 10.0.0.4}, {ip: \"fd00::4\"}]") +
      Pod("e", labels, "phase: Running, podIP: 10.0.0.5, conditions: [{type: Ready, status: \"False\"}]") +
      Pod("f", labels, "phase: Succeeded, podIP: 10.0.0.6") + Pod("g", labels, "phase: Running, podIP: nonsense"));
  EXPECT_EQ(EndpointsOf(loaded, "outbound|20880|one|demo.host"), "10.0.0.4:20990 10.0.0.5:20990 (unhealthy)");
}

TEST_F(Kubernetes, PodsOfOtherNamespacesAreNotEndpoints) {
  const LoadedRoutes loaded = LoadText(Router(kBoth) + kServiceEntry + R"(---
{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: elsewhere, labels: {app: demo, version: one}},
 status: {phase: Running, podIP: 10.0.0.1}}
)");
  EXPECT_EQ(EndpointsOf(loaded, "outbound|20880|one|demo.host"), "");
}

TEST_F(Kubernetes, SubsetThatContradictsTheSelectorHasNoPods) {
  const LoadedRoutes loaded = LoadText(
      Router(kBoth) + kServiceEntry +
      "---\n{apiVersion: networking.istio.io/v1, kind: DestinationRule, metadata: {name: d}, spec: {host: demo.host, "
      "subsets: [{name: one, labels: {app: other}}]}}\n" +
      Pod("a", "app: demo", std::string(kRunning) + "10.0.0.1") +
      Pod("b", "app: other", std::string(kRunning) + "10.0.0.2"));
  EXPECT_EQ(EndpointsOf(loaded, "outbound|20880|one|demo.host"), "");
}

TEST_F(Kubernetes, InlineEndpointsHaveTheirOwnPortsAndLabels) {
  const LoadedRoutes loaded = LoadText(Router(kBoth) + R"(---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: demo}
spec:
  hosts: [demo.host]
  ports: [{number: 20880, name: tcp-metaprotocol-dubbo}]
  endpoints:
  - {address: 10.0.0.1, labels: {version: one}}
  - {address: 10.0.0.2, labels: {version: one}, ports: {tcp-metaprotocol-dubbo: 7}, weight: 5}
  - {address: 10.0.0.3, labels: {version: two}}
  - {address: vm.example, labels: {version: two}}
)");
  EXPECT_EQ(EndpointsOf(loaded, "outbound|20880|one|demo.host"), "10.0.0.1:20880 10.0.0.2:7 (weight 5)");
  EXPECT_EQ(EndpointsOf(loaded, "outbound|20880|two|demo.host"), "10.0.0.3:20880");
  EXPECT_THAT(::testing::PrintToString(Told(loaded)), HasSubstr("\\\"vm.example\\\" is not an IP address"));
}

TEST_F(Kubernetes, LoadAssignmentWinsOverLabels) {
  const LoadedRoutes loaded =
      LoadText(Router(kBoth) + kServiceEntry + Pod("a", "app: demo, version: one", std::string(kRunning) + "10.0.0.1") +
               "---\ncluster_name: outbound|20880|one|demo.host\nendpoints: [{lb_endpoints: [{endpoint: {address: "
               "{socket_address: {address: 10.9.9.9, port_value: 5}}}}]}]\n");
  EXPECT_EQ(EndpointsOf(loaded, "outbound|20880|one|demo.host"), "10.9.9.9:5");
}

TEST_F(Kubernetes, ListsOfOneKindNeedNotRepeatItInTheirItems) {
  const LoadedRoutes loaded = LoadText(Router(kBoth) + kServiceEntry + R"(---
{"apiVersion": "v1", "kind": "PodList", "metadata": {"resourceVersion": "1"}, "items": [
  {"metadata": {"name": "a", "namespace": "ns", "labels": {"app": "demo", "version": "one"},
                "creationTimestamp": null}, "spec": {"containers": [{"name": "c"}]},
   "status": {"phase": "Running", "podIP": "10.0.0.1"}}]}
)");
  EXPECT_EQ(EndpointsOf(loaded, "outbound|20880|one|demo.host"), "10.0.0.1:20990");
}

TEST_F(Kubernetes, DeploymentScaledToNothingIsNotMissed) {
  const LoadedRoutes loaded = LoadText(Router(kBoth) + kServiceEntry +
                                       "---\n{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: "
                                       "ns}, spec: {replicas: 0, template: {metadata: {labels: {app: demo, version: "
                                       "one}}}}}\n");
  EXPECT_THAT(::testing::PrintToString(Told(loaded)), ::testing::Not(HasSubstr("has no Pod list")));
}

TEST_F(Kubernetes, SecondMetaRouterForAHostIsPassedOver) {
  std::string second = Router("{route: [{destination: {host: demo.host, subset: other}}]}");
  second.replace(second.find("name: r"), 7, "name: s");
  const LoadedRoutes loaded =
      LoadText(Router("{route: [{destination: {host: demo.host, subset: v1}}]}") + second + kServiceEntry);
  ASSERT_THAT(loaded.routes.configs, SizeIs(1));
  EXPECT_THAT(loaded.routes.configs[0].routes.at(0).clusters, ElementsAre("outbound|20880|v1|demo.host"));
  EXPECT_THAT(::testing::PrintToString(Told(loaded)), HasSubstr("routes for \\\"demo.host_20880\\\" stand at "));
}

}  // namespace
}  // namespace rpctee::control
