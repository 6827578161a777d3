// What a reader of configuration found worth telling: file, line, column, and what it means for mirroring.
// Plain values; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "route/route_set.h"

namespace rpctee::control {

enum class Severity : uint8_t {
  kInfo,     // an unrelated kind that was passed over
  kWarning,  // understood in part: says which part decides nothing
  kError,    // the whole set is refused
};

struct Diagnostic {
  Severity severity = Severity::kInfo;
  route::Origin origin;
  std::string message;
  // "routes.yaml:12:5: warning: ..."
  std::string ToString() const;
};

using Diagnostics = std::vector<Diagnostic>;

}  // namespace rpctee::control
