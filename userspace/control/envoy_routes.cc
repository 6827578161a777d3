#include "control/envoy_routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "aeraki/meta_protocol_proxy/config/route/v1alpha/route.pb.h"
#include "control/cluster_name.h"
#include "control/header_match.h"
#include "control/request_mutation.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/route/v3/route.pb.h"

namespace rpctee::control {
namespace {

namespace aeraki_route = aeraki::meta_protocol_proxy::config::route::v1alpha;
namespace envoy_route = envoy::config::route::v3;
namespace envoy_endpoint = envoy::config::endpoint::v3;

using Matchers = google::protobuf::RepeatedPtrField<envoy_route::HeaderMatcher>;

constexpr std::string_view kSkipped = "the route is skipped";

// What a fraction says; nothing, after a warning, when it can't be told.
std::optional<route::Share> ToShare(const envoy::config::core::v3::RuntimeFractionalPercent& fraction,
                                    const Reporter& reporter) {
  using envoy::type::v3::FractionalPercent;
  if (!fraction.has_default_value()) {
    reporter.Warn(fraction, "a fraction without default_value");
    return std::nullopt;
  }
  if (!fraction.runtime_key().empty()) {
    reporter.Warn(fraction, "the proxy's runtime is not known here: default_value applies");
  }
  uint64_t denominator = 0;
  switch (fraction.default_value().denominator()) {
    case FractionalPercent::HUNDRED:
      denominator = 100;
      break;
    case FractionalPercent::TEN_THOUSAND:
      denominator = 10'000;
      break;
    case FractionalPercent::MILLION:
      denominator = 1'000'000;
      break;
    default:
      reporter.Warn(fraction, "an unknown denominator");
      return std::nullopt;
  }
  return route::Share::FromFraction(fraction.default_value().numerator(), denominator);
}

void WarnOfHttpOnly(const envoy_route::RouteAction::RequestMirrorPolicy& policy, const Reporter& reporter) {
  if (policy.has_trace_sampled() || policy.disable_shadow_host_suffix_append()) {
    reporter.Warn(policy, "trace_sampled and disable_shadow_host_suffix_append mean nothing here; passed over");
  }
}
void WarnOfHttpOnly(const aeraki_route::RouteAction::RequestMirrorPolicy&, const Reporter&) {}

// Appends to route.mirrors; false, after a warning, when the policy can't be told.
template <typename Policy>
bool AddMirror(const Policy& policy, const Reporter& reporter, route::Route& route) {
  if (policy.cluster().empty()) {
    reporter.Warn(policy, "a mirror policy without a cluster");
    return false;
  }
  WarnOfHttpOnly(policy, reporter);
  route::MirrorPolicy mirror{policy.cluster(), route::Share{}, reporter.OriginOf(policy)};
  if (policy.has_runtime_fraction()) {
    const std::optional<route::Share> share = ToShare(policy.runtime_fraction(), reporter);
    if (!share) {
      return false;
    }
    mirror.share = *share;
  }
  route.mirrors.push_back(std::move(mirror));
  return true;
}

// What the proxies make a hash of: fields by name. A part that is no field (a cookie, the connection) is left out.
const std::string& FieldOf(const std::string& name) { return name; }
const std::string& FieldOf(const envoy_route::RouteAction::HashPolicy& policy) { return policy.header().header_name(); }

template <typename Action>
void AddHashPolicy(const Action& action, route::Route& route) {
  for (const auto& policy : action.hash_policy()) {
    if (const std::string& field = FieldOf(policy); !field.empty()) {
      route.hash_policy.push_back(field);
    }
  }
}

// Both forms of RouteAction have the same fields, under the same names.
template <typename Action>
bool SetAction(const Action& action, const Reporter& reporter, route::Route& route) {
  if (action.cluster_specifier_case() == Action::kCluster) {
    route.clusters.push_back(action.cluster());
  } else if (action.cluster_specifier_case() == Action::kWeightedClusters) {
    for (const auto& cluster : action.weighted_clusters().clusters()) {
      route.clusters.push_back(cluster.name());
    }
  }
  const auto empty = [](const std::string& name) { return name.empty(); };
  if (route.clusters.empty() || std::any_of(route.clusters.begin(), route.clusters.end(), empty)) {
    reporter.Warn(action, "does not name the cluster that requests go to");
    return false;
  }
  AddHashPolicy(action, route);
  for (const auto& policy : action.request_mirror_policies()) {
    if (!AddMirror(policy, reporter, route)) {
      return false;
    }
  }
  return true;
}

bool SetMatches(const Matchers& matchers, const Reporter& reporter, route::Route& route) {
  for (const envoy_route::HeaderMatcher& matcher : matchers) {
    std::optional<route::FieldMatch> match = ToFieldMatch(matcher, reporter);
    if (!match) {
      return false;
    }
    route.matches.push_back(std::move(*match));
  }
  return true;
}

// The parts that the two forms do not share.
const Matchers& MatchersOf(const aeraki_route::Route& route) { return route.match().metadata(); }
const Matchers& MatchersOf(const envoy_route::Route& route) { return route.match().headers(); }
bool MatchesEveryPath(const aeraki_route::Route&) { return true; }
bool MatchesEveryPath(const envoy_route::Route& route) {
  const envoy_route::RouteMatch& match = route.match();
  return match.path_specifier_case() == envoy_route::RouteMatch::PATH_SPECIFIER_NOT_SET ||
         (match.path_specifier_case() == envoy_route::RouteMatch::kPrefix &&
          (match.prefix().empty() || match.prefix() == "/"));
}

void SetMutation(const aeraki_route::Route& proto, Reporter& reporter, route::Route& route) {
  for (const aeraki_route::KeyValue& mutation : proto.request_mutation()) {
    AddMutation(mutation, mutation.key(), mutation.value(), reporter, route.mutation);
  }
}
void SetMutation(const envoy_route::Route& proto, Reporter& reporter, route::Route& route) {
  AddMutations(proto, reporter, route.mutation);
}

template <typename ProtoRoute>
std::optional<route::Route> ToRoute(const ProtoRoute& proto, Reporter& reporter) {
  route::Route route;
  route.name = proto.name();
  route.origin = reporter.OriginOf(proto);
  const std::string skipped =
      proto.name().empty() ? std::string(kSkipped) : fmt::format("the route \"{}\" is skipped", proto.name());
  // A misspelt "match" would make a route that matches everything, so the route's own keys decide too.
  const bool bad_keys = reporter.HasUnusedKeys(proto, skipped);
  const bool bad_match = reporter.HasUnsupported(proto.match(), skipped);
  const bool bad_action = reporter.HasUnsupported(proto.route(), skipped);
  if (bad_keys || bad_match || bad_action) {
    return std::nullopt;
  }
  if (!proto.has_route()) {
    reporter.Warn(proto, fmt::format("does not send requests to a cluster; {}", skipped));
    return std::nullopt;
  }
  if (!MatchesEveryPath(proto)) {
    reporter.Warn(proto.match(), fmt::format("conditions on a path are for HTTP; {}", skipped));
    return std::nullopt;
  }
  if (!SetMatches(MatchersOf(proto), reporter, route) || !SetAction(proto.route(), reporter, route)) {
    reporter.Warn(proto, skipped);
    return std::nullopt;
  }
  if (!route.mirrors.empty()) {
    SetMutation(proto, reporter, route);
  }
  return route;
}

route::RouteConfig StartConfig(const std::string& name, const route::Origin& origin) {
  route::RouteConfig config;
  config.name = name;
  config.interface_name = HostOfConfigName(name);
  config.origin = origin;
  return config;
}

// What the host does to the requests of all its routes comes behind what a route does: the more general one counts.
void AddHostMutation(const envoy_route::VirtualHost& host, Reporter& reporter, route::RouteConfig& config) {
  for (route::Route& route : config.routes) {
    if (!route.mirrors.empty()) {
      AddMutations(host, reporter, route.mutation);
    }
  }
}

template <typename ProtoRoutes>
void AddRoutes(const ProtoRoutes& routes, Reporter& reporter, route::RouteConfig& config) {
  for (const auto& proto : routes) {
    if (std::optional<route::Route> route = ToRoute(proto, reporter)) {
      config.routes.push_back(std::move(*route));
    }
  }
}

bool IsForEveryDomain(const envoy_route::VirtualHost& host) {
  return std::find(host.domains().begin(), host.domains().end(), "*") != host.domains().end();
}

bool IsHealthy(envoy::config::core::v3::HealthStatus status) {
  return status == envoy::config::core::v3::UNKNOWN || status == envoy::config::core::v3::HEALTHY ||
         status == envoy::config::core::v3::DEGRADED;
}

void AddEndpoint(const envoy_endpoint::LbEndpoint& proto, const Reporter& reporter, route::Cluster& cluster) {
  const auto& socket = proto.endpoint().address().socket_address();
  const Result<IpAddress> ip = IpAddress::Parse(socket.address());
  if (!ip || socket.port_value() == 0 || socket.port_value() > 65'535) {
    reporter.Warn(proto, "an endpoint without an IP address and port; passed over");
    return;
  }
  const uint32_t weight = proto.has_load_balancing_weight() ? proto.load_balancing_weight().value() : 1;
  cluster.endpoints.push_back(
      {{*ip, static_cast<uint16_t>(socket.port_value())}, weight, IsHealthy(proto.health_status())});
}

}  // namespace

route::RouteConfig ToRouteConfig(const aeraki_route::RouteConfiguration& configuration, Reporter& reporter) {
  route::RouteConfig config = StartConfig(configuration.name(), reporter.OriginOf(configuration));
  AddRoutes(configuration.routes(), reporter, config);
  reporter.WarnOfUnusedKeys();
  return config;
}

route::RouteConfig ToRouteConfig(const envoy_route::RouteConfiguration& configuration, Reporter& reporter) {
  route::RouteConfig config = StartConfig(configuration.name(), reporter.OriginOf(configuration));
  bool found = false;
  for (const envoy_route::VirtualHost& host : configuration.virtual_hosts()) {
    if (IsForEveryDomain(host) && !found) {
      found = true;
      AddRoutes(host.routes(), reporter, config);
      AddHostMutation(host, reporter, config);
    } else {
      reporter.Warn(host, "only the first virtual host for every domain (\"*\") is read; this one is passed over");
    }
  }
  reporter.WarnOfUnusedKeys();
  return config;
}

route::Cluster ToCluster(const envoy_endpoint::ClusterLoadAssignment& assignment, Reporter& reporter) {
  route::Cluster cluster;
  cluster.name = assignment.cluster_name();
  for (const envoy_endpoint::LocalityLbEndpoints& locality : assignment.endpoints()) {
    if (locality.priority() > 0) {
      reporter.Warn(locality, "priorities are not looked at: these endpoints take part like the others");
    }
    for (const envoy_endpoint::LbEndpoint& endpoint : locality.lb_endpoints()) {
      AddEndpoint(endpoint, reporter, cluster);
    }
  }
  reporter.WarnOfUnusedKeys();
  return cluster;
}

}  // namespace rpctee::control
