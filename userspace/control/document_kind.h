// Which kind of thing a document is: by its @type, by its apiVersion and kind, or, for a bare document, by its keys.
//
// Any thread; a pure function.
#pragma once

#include <cstdint>
#include <string>

#include "control/yaml_document.h"

namespace rpctee::control {

enum class DocumentKind : uint8_t {
  kUnknown,       // cannot be told
  kNotForRoutes,  // tells its kind, which is none of those below
  kConfigDump,    // a whole /config_dump: {"configs": [...]}
  kRoutesConfigDump,
  kEndpointsConfigDump,
  kAerakiRouteConfiguration,
  kEnvoyRouteConfiguration,
  kClusterLoadAssignment,
  kMetaRouter,
  kServiceEntry,
  kDestinationRule,
  kDeployment,
  kPod,
  kList,  // a Kubernetes list: its `items` are objects
};

struct IdentifiedKind {
  DocumentKind kind = DocumentKind::kUnknown;
  std::string name;       // as the document tells it, for messages; "" when it does not
  std::string item_kind;  // kList of one kind (PodList): the kind of items that do not tell theirs
};

IdentifiedKind Identify(const YamlNode& document);

// The kind of a Kubernetes object; an empty apiVersion is not compared.
DocumentKind KindOfObject(std::string_view api_version, std::string_view kind);

}  // namespace rpctee::control
