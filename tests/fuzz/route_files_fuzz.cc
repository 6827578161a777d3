// Any text as a route file: it is refused with an error that says where, or gives routes that compile and can be
// described. Reading it twice says the same.
#include <string>

#include "control/route_files.h"
#include "fuzz/fuzz_check.h"
#include "route/describe.h"
#include "route/snapshot.h"

namespace {

using rpctee::fuzz::Require;
namespace control = rpctee::control;
namespace route = rpctee::route;

// What is longer repeats itself.
constexpr size_t kMaxInput = 16 * 1024;
constexpr control::RouteFileLimits kLimits{.max_file_bytes = kMaxInput, .max_documents = 64, .max_depth = 32};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > kMaxInput) {
    return 0;
  }
  const std::string text(reinterpret_cast<const char*>(data), size);
  const control::LoadedRoutes loaded = control::LoadRouteTexts({{.name = "routes.yaml", .text = text}}, kLimits);
  const control::LoadedRoutes again = control::LoadRouteTexts({{.name = "routes.yaml", .text = text}}, kLimits);
  Require(loaded.refused() == again.refused() && loaded.diagnostics.size() == again.diagnostics.size() &&
              loaded.routes.configs.size() == again.routes.configs.size(),
          "the same text says the same");
  for (const control::Diagnostic& diagnostic : loaded.diagnostics) {
    Require(!diagnostic.message.empty(), "a diagnostic says something");
  }
  if (loaded.refused()) {
    return 0;
  }
  const auto snapshot = route::Snapshot::Build(loaded.routes);
  if (snapshot) {
    (void)route::Describe(**snapshot);
    (void)route::DescribeJson(**snapshot);
    (void)route::Concerns(**snapshot);
  }
  return 0;
}
