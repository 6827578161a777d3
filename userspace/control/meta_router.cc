#include "control/meta_router.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "control/cluster_name.h"
#include "control/request_mutation.h"
#include "rpctee/k8s/v1/objects.pb.h"

namespace rpctee::control {
namespace {

namespace aeraki_api = metaprotocol::aeraki::io::v1alpha1;
using Kind = route::FieldMatch::Kind;

constexpr std::string_view kMetaProtocolPort = "tcp-metaprotocol";  // how Aeraki knows the ports that it serves

// The ports that Aeraki makes configurations for.
std::vector<uint16_t> PortsOf(const Service& service) {
  std::vector<uint16_t> all;
  std::vector<uint16_t> named;
  for (const ServicePort& port : service.ports) {
    all.push_back(port.number);
    if (port.name.starts_with(kMetaProtocolPort)) {
      named.push_back(port.number);
    }
  }
  return named.empty() ? all : named;
}

// Without a ServiceEntry: the port that the first destination names.
std::vector<uint16_t> PortsOf(const aeraki_api::MetaRouter& spec) {
  for (const aeraki_api::MetaRoute& route : spec.routes()) {
    for (const aeraki_api::MetaRouteDestination& destination : route.route()) {
      const uint32_t port = destination.destination().port().number();
      if (port > 0 && port <= 65'535) {
        return {static_cast<uint16_t>(port)};
      }
    }
  }
  return {};
}

// The port of a destination: its own, or the routed service's if the destination's service has it, or the only one of
// the destination's service.
uint32_t PortOf(const aeraki_api::Destination& destination, uint16_t routed_port, const ServiceRegistry& registry) {
  if (destination.port().number() != 0) {
    return destination.port().number();
  }
  const Service* service = registry.Find(destination.host());
  if (service == nullptr || service->ports.size() != 1) {
    return routed_port;
  }
  return service->ports[0].number;
}

// Empty, after a warning, when there is no name for it.
std::string ToCluster(const aeraki_api::Destination& destination, uint16_t routed_port, const ServiceRegistry& registry,
                      const Reporter& reporter) {
  const uint32_t port = PortOf(destination, routed_port, registry);
  if (destination.host().empty() || port > 65'535) {
    reporter.Warn(destination, "a destination needs a host, and a port from 1 to 65535");
    return {};
  }
  return ClusterName{static_cast<uint16_t>(port), destination.subset(), destination.host()}.ToString();
}

std::optional<route::FieldMatch> ToFieldMatch(const std::string& name, const aeraki_api::StringMatch& proto) {
  route::FieldMatch match;
  match.name = name;
  switch (proto.match_type_case()) {
    case aeraki_api::StringMatch::kExact:
      match.kind = Kind::kExact;
      match.text = proto.exact();
      break;
    case aeraki_api::StringMatch::kPrefix:
      match.kind = Kind::kPrefix;
      match.text = proto.prefix();
      break;
    case aeraki_api::StringMatch::kRegex:
      match.kind = Kind::kRegex;
      match.text = proto.regex();
      break;
    case aeraki_api::StringMatch::MATCH_TYPE_NOT_SET:
      match.kind = Kind::kPresent;
      break;
  }
  if (name.empty() || (match.text.empty() && (match.kind == Kind::kPrefix || match.kind == Kind::kRegex))) {
    return std::nullopt;
  }
  return match;
}

bool SetMatches(const aeraki_api::MetaRouteMatch& proto, const Reporter& reporter, route::Route& route) {
  // By name, because protobuf's maps have no order.
  const std::map<std::string, aeraki_api::StringMatch> attributes(proto.attributes().begin(), proto.attributes().end());
  for (const auto& [name, attribute] : attributes) {
    std::optional<route::FieldMatch> match = ToFieldMatch(name, attribute);
    if (!match) {
      reporter.Warn(proto, fmt::format("the condition on \"{}\" has no pattern", name));
      return false;
    }
    route.matches.push_back(std::move(*match));
  }
  return true;
}

route::Share ToShare(const aeraki_api::MetaRoute& proto, const Reporter& reporter) {
  if (!proto.has_mirror_percentage()) {
    return route::Share{};
  }
  const double percent = proto.mirror_percentage().value();
  const route::Share share = route::Share::FromPercent(percent);
  if (percent < 0 || percent > 100) {
    reporter.Warn(proto.mirror_percentage(),
                  fmt::format("{} is not from 0 to 100: taken as {}", percent, share.ToString()));
  } else if (percent > 0 && share.millionths == 0) {
    reporter.Warn(proto.mirror_percentage(),
                  fmt::format("{} is less than half a millionth: nothing will be mirrored", percent));
  }
  return share;
}

bool SetAction(const aeraki_api::MetaRoute& proto, uint16_t port, const ServiceRegistry& registry,
               const Reporter& reporter, route::Route& route) {
  for (const aeraki_api::MetaRouteDestination& destination : proto.route()) {
    route.clusters.push_back(ToCluster(destination.destination(), port, registry, reporter));
  }
  const auto empty = [](const std::string& cluster) { return cluster.empty(); };
  if (route.clusters.empty() || std::any_of(route.clusters.begin(), route.clusters.end(), empty)) {
    reporter.Warn(proto, "does not say where requests go");
    return false;
  }
  if (!proto.has_mirror()) {
    return true;
  }
  const std::string mirror = ToCluster(proto.mirror(), port, registry, reporter);
  if (mirror.empty()) {
    return false;
  }
  route.mirrors.push_back({mirror, ToShare(proto, reporter), reporter.OriginOf(proto.mirror())});
  return true;
}

std::optional<route::Route> ToRoute(const aeraki_api::MetaRoute& proto, uint16_t port, const ServiceRegistry& registry,
                                    Reporter& reporter) {
  route::Route route;
  route.name = proto.name();
  route.origin = reporter.OriginOf(proto);
  const std::string skipped =
      proto.name().empty() ? "the route is skipped" : fmt::format("the route \"{}\" is skipped", proto.name());
  if (reporter.HasUnsupported(proto, skipped)) {
    return std::nullopt;
  }
  if (!SetMatches(proto.match(), reporter, route) || !SetAction(proto, port, registry, reporter, route)) {
    reporter.Warn(proto, skipped);
    return std::nullopt;
  }
  for (const aeraki_api::KeyValue& mutation : proto.request_mutation()) {
    if (!route.mirrors.empty()) {
      AddMutation(mutation, mutation.key(), mutation.value(), reporter, route.mutation);
    }
  }
  return route;
}

void WarnOfWhatIsNotRead(const aeraki_api::MetaRouter& spec, const Reporter& reporter) {
  if (spec.hosts_size() > 1) {
    reporter.Warn(spec, fmt::format("only the first host, {}, is read, as Aeraki does", spec.hosts(0)));
  }
  if (spec.gateways_size() > 0) {
    reporter.Warn(spec, "gateways are not looked at: the routes apply to all traffic");
  }
}

}  // namespace

std::vector<route::RouteConfig> ToRouteConfigs(const rpctee::k8s::v1::MetaRouter& object,
                                               const ServiceRegistry& registry, Reporter& reporter) {
  const aeraki_api::MetaRouter& spec = object.spec();
  std::vector<route::RouteConfig> configs;
  const std::string host = spec.hosts_size() == 0 ? "" : spec.hosts(0);
  const Service* service = registry.Find(host);
  std::vector<uint16_t> ports = service == nullptr ? PortsOf(spec) : PortsOf(*service);
  if (host.empty()) {
    reporter.Warn(object, fmt::format("MetaRouter \"{}\" has no host; skipped", object.metadata().name()));
  } else if (ports.empty()) {
    reporter.Warn(object, fmt::format("MetaRouter \"{}\" is skipped: the port of {} is not known (no ServiceEntry with "
                                      "a port, and no destination with port.number)",
                                      object.metadata().name(), host));
  } else {
    WarnOfWhatIsNotRead(spec, reporter);
  }
  for (const uint16_t port : host.empty() ? std::vector<uint16_t>() : ports) {
    route::RouteConfig& config = configs.emplace_back();
    config.name = fmt::format("{}_{}", host, port);
    config.interface_name = service == nullptr || service->interface_name.empty() ? host : service->interface_name;
    config.origin = reporter.OriginOf(object);
    for (const aeraki_api::MetaRoute& proto : spec.routes()) {
      if (std::optional<route::Route> route = ToRoute(proto, port, registry, reporter)) {
        config.routes.push_back(std::move(*route));
      }
    }
  }
  reporter.WarnOfUnusedKeys();
  return configs;
}

}  // namespace rpctee::control
