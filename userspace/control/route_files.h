// Routes from files: sidecar route dumps, RouteConfiguration, MetaRouter with its ServiceEntry, DestinationRule,
// Deployment and Pod lists, and ClusterLoadAssignment; YAML or JSON, several documents and `List` kinds in a file.
//
// Control thread. Reads files, keeps nothing. All files together make one set, so a MetaRouter in one file may use the
// Pod list in another.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "control/diagnostic.h"
#include "route/route_set.h"

namespace rpctee::control {

struct LoadedRoutes {
  route::RouteSet routes;
  Diagnostics diagnostics;         // in the order of files and lines; contains a kError when the set is refused
  std::vector<std::string> files;  // what was read, after patterns were expanded

  bool refused() const;
};

struct RouteFileLimits {
  size_t max_file_bytes = size_t{64} << 20;
  size_t max_documents = 100'000;
  int max_depth = 64;
};

// `patterns`: paths, glob patterns ("/etc/rpctee/routes/*.yaml"), or "-" for standard input. A plain path that does not
// exist is an error, a pattern without a match is a warning.
LoadedRoutes LoadRouteFiles(const std::vector<std::string>& patterns, const RouteFileLimits& limits = {});

// The same for text that is in memory already.
struct NamedText {
  std::string name;  // for messages
  std::string text;
};
LoadedRoutes LoadRouteTexts(const std::vector<NamedText>& texts, const RouteFileLimits& limits = {});

}  // namespace rpctee::control
