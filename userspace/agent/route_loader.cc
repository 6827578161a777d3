#include "agent/route_loader.h"

#include <spdlog/spdlog.h>

#include "control/route_files.h"
#include "route/describe.h"

namespace rpctee::agent {
namespace {

// Of the errors that refuse a set, so many are named; the rest is a number.
constexpr size_t kErrorsNamed = 5;

void Log(const control::Diagnostic& diagnostic) {
  const bool warning = diagnostic.severity == control::Severity::kWarning;
  spdlog::log(warning ? spdlog::level::warn : spdlog::level::debug, "routes: {}", diagnostic.ToString());
}

std::string DescribeErrors(const control::Diagnostics& diagnostics) {
  std::string text;
  size_t errors = 0;
  for (const control::Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity == control::Severity::kError && ++errors <= kErrorsNamed) {
      text += (text.empty() ? "" : "; ") + diagnostic.ToString();
    }
  }
  return errors > kErrorsNamed ? text + "; and " + std::to_string(errors - kErrorsNamed) + " more" : text;
}

}  // namespace

Result<std::shared_ptr<const route::Snapshot>> RouteLoader::Load() {
  control::LoadedRoutes loaded = control::LoadRouteFiles(sources_.files);
  if (loaded.refused()) {
    return Fail("routes refused: " + DescribeErrors(loaded.diagnostics));
  }
  for (const control::Diagnostic& diagnostic : loaded.diagnostics) {
    Log(diagnostic);
  }
  loaded.routes.mark = sources_.mark;
  route::ApplyPolicies(sources_.policies, loaded.routes);
  Result<std::shared_ptr<const route::Snapshot>> snapshot = route::Snapshot::Build(loaded.routes);
  if (!snapshot) {
    return WithContext("routes refused", snapshot.error());
  }
  for (const std::string& concern : route::Concerns(**snapshot)) {
    spdlog::warn("routes: {}", concern);
  }
  return snapshot;
}

}  // namespace rpctee::agent
