#include "control/document_reader.h"

#include <fmt/format.h>

#include "aeraki/meta_protocol_proxy/admin/v1alpha/config_dump.pb.h"
#include "envoy/admin/v3/config_dump.pb.h"

namespace rpctee::control {

void DocumentReader::ReadFile(const std::string& file, const YamlFile& documents) {
  file_ = file;
  for (const YamlNode* document : documents.documents()) {
    if (document->is_sequence()) {
      ReadItems(*document, "", "");
    } else {
      ReadDocument(*document, "", "");
    }
  }
}

void DocumentReader::Tell(Severity severity, const YamlNode& node, std::string message) {
  diagnostics_.push_back({severity, OriginOf(node), std::move(message)});
}

void DocumentReader::ReadDocument(const YamlNode& node, const std::string& path, const std::string& list_kind) {
  IdentifiedKind identified = Identify(node);
  if (identified.kind == DocumentKind::kUnknown && !list_kind.empty()) {
    identified = {KindOfObject("", list_kind), list_kind, ""};
  }
  if (identified.kind == DocumentKind::kUnknown) {
    Tell(Severity::kWarning, node,
         "a document of unknown kind, passed over: it has no @type, no kind, and none of the "
         "keys of a route dump, a RouteConfiguration or a ClusterLoadAssignment");
  } else if (identified.kind == DocumentKind::kList) {
    const YamlNode& items = *node.Find("items");
    if (items.is_sequence()) {
      ReadItems(items, path.empty() ? "items" : path + ".items", identified.item_kind);
    } else if (!items.is_null()) {
      Tell(Severity::kError, items, "items: expected a list");
    }
  } else if (!ReadKind(identified, node, path)) {
    Tell(Severity::kInfo, node, fmt::format("\"{}\" says nothing about routes; passed over", identified.name));
  }
}

void DocumentReader::ReadItems(const YamlNode& items, const std::string& path, const std::string& list_kind) {
  for (size_t i = 0; i < items.items.size(); ++i) {
    ReadDocument(*items.items[i], fmt::format("{}[{}]", path, i), list_kind);
  }
}

bool DocumentReader::ReadKind(const IdentifiedKind& identified, const YamlNode& node, const std::string& path) {
  switch (identified.kind) {
    case DocumentKind::kConfigDump:
      ReadConfigDump(node, path);
      return true;
    case DocumentKind::kRoutesConfigDump:
      ReadDump<aeraki::meta_protocol_proxy::admin::v1alpha::RoutesConfigDump>(node, path);
      return true;
    case DocumentKind::kEndpointsConfigDump:
      ReadDump<envoy::admin::v3::EndpointsConfigDump>(node, path);
      return true;
    case DocumentKind::kAerakiRouteConfiguration:
      ReadMessage(node, path, collected_.aeraki_routes);
      return true;
    case DocumentKind::kEnvoyRouteConfiguration:
      ReadMessage(node, path, collected_.envoy_routes);
      return true;
    case DocumentKind::kClusterLoadAssignment:
      ReadMessage(node, path, collected_.assignments);
      return true;
    case DocumentKind::kMetaRouter:
      ReadObject(node, path, "MetaRouter", collected_.meta_routers);
      return true;
    case DocumentKind::kServiceEntry:
      ReadObject(node, path, "ServiceEntry", collected_.service_entries);
      return true;
    case DocumentKind::kDestinationRule:
      ReadObject(node, path, "DestinationRule", collected_.destination_rules);
      return true;
    case DocumentKind::kDeployment:
      ReadObject(node, path, "Deployment", collected_.deployments);
      return true;
    case DocumentKind::kPod:
      ReadObject(node, path, "Pod", collected_.pods);
      return true;
    case DocumentKind::kList:
    case DocumentKind::kUnknown:
    case DocumentKind::kNotForRoutes:
      break;
  }
  return false;
}

void DocumentReader::ReadConfigDump(const YamlNode& node, const std::string& path) {
  const YamlNode* configs = node.Find("configs");
  if (configs == nullptr || !configs->is_sequence()) {
    Tell(Severity::kError, node, "configs: expected a list");
    return;
  }
  size_t passed_over = 0;
  for (size_t i = 0; i < configs->items.size(); ++i) {
    const YamlNode& config = *configs->items[i];
    const IdentifiedKind identified = Identify(config);
    const bool wanted =
        identified.kind == DocumentKind::kRoutesConfigDump || identified.kind == DocumentKind::kEndpointsConfigDump;
    if (!wanted || !ReadKind(identified, config, fmt::format("{}{}configs[{}]", path, path.empty() ? "" : ".", i))) {
      ++passed_over;
    }
  }
  if (passed_over > 0) {
    Tell(Severity::kInfo, node,
         fmt::format("{} of {} parts of the dump say nothing about routes or endpoints; passed over", passed_over,
                     configs->items.size()));
  }
}

template <typename Dump>
void DocumentReader::ReadDump(const YamlNode& node, const std::string& path) {
  SourceMap sources(OriginOf(node));
  YamlConversion conversion;
  conversion.file = file_;
  conversion.sources = &sources;
  conversion.diagnostics = &diagnostics_;
  conversion.on_any = [this](const YamlNode& value, const std::string& value_path) {
    const IdentifiedKind identified = Identify(value);
    const bool wanted = identified.kind == DocumentKind::kAerakiRouteConfiguration ||
                        identified.kind == DocumentKind::kEnvoyRouteConfiguration ||
                        identified.kind == DocumentKind::kClusterLoadAssignment;
    if (!wanted) {
      Tell(Severity::kWarning, value,
           fmt::format("{}: expected routes or endpoints, found {}; passed over", value_path,
                       identified.name.empty() ? "something of unknown kind" : identified.name));
    } else {
      ReadKind(identified, value, value_path);
    }
  };
  Dump dump;
  FromYaml(node, path, conversion, dump);
  for (const UnusedKey& key : sources.unused()) {
    diagnostics_.push_back({Severity::kWarning, key.origin, key.Describe() + "; passed over"});
  }
}

template <typename T>
void DocumentReader::ReadMessage(const YamlNode& node, const std::string& path, std::vector<Sourced<T>>& into) {
  Sourced<T> sourced;
  sourced.origin = OriginOf(node);
  sourced.sources = std::make_unique<SourceMap>(sourced.origin);
  YamlConversion conversion;
  conversion.file = file_;
  conversion.sources = sourced.sources.get();
  conversion.diagnostics = &diagnostics_;
  if (FromYaml(node, path, conversion, *sourced.message)) {
    into.push_back(std::move(sourced));
  }
}

template <typename T>
void DocumentReader::ReadObject(const YamlNode& node, const std::string& path, const char* kind,
                                std::vector<Sourced<T>>& into) {
  const size_t before = into.size();
  ReadMessage(node, path, into);
  if (into.size() == before) {
    return;
  }
  const rpctee::k8s::v1::ObjectMeta& metadata = into.back().message->metadata();
  if (metadata.name().empty()) {
    return;
  }
  const auto [place, is_new] =
      objects_.try_emplace({kind, fmt::format("{}/{}", metadata.namespace_(), metadata.name())}, before);
  if (!is_new) {
    Sourced<T>& earlier = into[place->second];
    Tell(Severity::kInfo, node,
         fmt::format("{} \"{}\" replaces the one at {}", kind, metadata.name(), earlier.origin.ToString()));
    earlier = std::move(into.back());
    into.pop_back();
  }
}

}  // namespace rpctee::control
