#include "control/document_kind.h"

namespace rpctee::control {
namespace {

struct NamedKind {
  std::string_view name;
  DocumentKind kind;
};

constexpr NamedKind kTypes[] = {
    {"envoy.admin.v3.ConfigDump", DocumentKind::kConfigDump},
    {"aeraki.meta_protocol_proxy.admin.v1alpha.RoutesConfigDump", DocumentKind::kRoutesConfigDump},
    {"envoy.admin.v3.RoutesConfigDump", DocumentKind::kRoutesConfigDump},
    {"envoy.admin.v3.EndpointsConfigDump", DocumentKind::kEndpointsConfigDump},
    {"aeraki.meta_protocol_proxy.config.route.v1alpha.RouteConfiguration", DocumentKind::kAerakiRouteConfiguration},
    {"envoy.config.route.v3.RouteConfiguration", DocumentKind::kEnvoyRouteConfiguration},
    {"envoy.config.endpoint.v3.ClusterLoadAssignment", DocumentKind::kClusterLoadAssignment},
};

// Keys that only one kind of bare document has, the telling ones first.
constexpr NamedKind kShapes[] = {
    {"configs", DocumentKind::kConfigDump},
    {"dynamic_route_configs", DocumentKind::kRoutesConfigDump},
    {"dynamicRouteConfigs", DocumentKind::kRoutesConfigDump},
    {"static_route_configs", DocumentKind::kRoutesConfigDump},
    {"staticRouteConfigs", DocumentKind::kRoutesConfigDump},
    {"dynamic_endpoint_configs", DocumentKind::kEndpointsConfigDump},
    {"dynamicEndpointConfigs", DocumentKind::kEndpointsConfigDump},
    {"static_endpoint_configs", DocumentKind::kEndpointsConfigDump},
    {"staticEndpointConfigs", DocumentKind::kEndpointsConfigDump},
    {"virtual_hosts", DocumentKind::kEnvoyRouteConfiguration},
    {"virtualHosts", DocumentKind::kEnvoyRouteConfiguration},
    {"routes", DocumentKind::kAerakiRouteConfiguration},
    {"cluster_name", DocumentKind::kClusterLoadAssignment},
    {"clusterName", DocumentKind::kClusterLoadAssignment},
};

struct ObjectKind {
  std::string_view group;  // what apiVersion begins with, up to the version
  std::string_view kind;
  DocumentKind document;
};

constexpr ObjectKind kObjects[] = {
    {"metaprotocol.aeraki.io/", "MetaRouter", DocumentKind::kMetaRouter},
    {"networking.istio.io/", "ServiceEntry", DocumentKind::kServiceEntry},
    {"networking.istio.io/", "DestinationRule", DocumentKind::kDestinationRule},
    {"apps/", "Deployment", DocumentKind::kDeployment},
    {"v1", "Pod", DocumentKind::kPod},
};

constexpr std::string_view kListSuffix = "List";

IdentifiedKind IdentifyObject(const YamlNode& document) {
  const std::string_view kind = document.FindText("kind");
  IdentifiedKind identified{KindOfObject(document.FindText("apiVersion"), kind), std::string(kind), ""};
  const YamlNode* items = document.Find("items");
  if (identified.kind == DocumentKind::kNotForRoutes && kind.ends_with(kListSuffix) && items != nullptr) {
    identified.kind = DocumentKind::kList;
    identified.item_kind = kind.substr(0, kind.size() - kListSuffix.size());
  }
  return identified;
}

}  // namespace

DocumentKind KindOfObject(std::string_view api_version, std::string_view kind) {
  for (const ObjectKind& object : kObjects) {
    if (object.kind == kind && (api_version.empty() || api_version.starts_with(object.group))) {
      return object.document;
    }
  }
  return DocumentKind::kNotForRoutes;
}

IdentifiedKind Identify(const YamlNode& document) {
  const std::string_view type = document.FindText("@type");
  if (!type.empty()) {
    const std::string_view name = type.substr(type.rfind('/') + 1);
    for (const NamedKind& known : kTypes) {
      if (known.name == name) {
        return {known.kind, std::string(name), ""};
      }
    }
    return {DocumentKind::kNotForRoutes, std::string(name), ""};
  }
  if (!document.FindText("kind").empty()) {
    return IdentifyObject(document);
  }
  for (const NamedKind& shape : kShapes) {
    if (document.Find(shape.name) != nullptr) {
      return {shape.kind, "", ""};
    }
  }
  return {};
}

}  // namespace rpctee::control
