// Routes from files to a compiled snapshot, with what there was to say about them logged.
//
// Control thread. Owns the watch on the files. A set that is refused leaves the caller with what it had.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "control/route_watch.h"
#include "route/snapshot.h"

namespace rpctee::agent {

// The files, and what the agent's own configuration adds to their mirror rules.
struct RouteSources {
  std::vector<std::string> files;
  route::Mark mark;
  std::vector<route::MatchedPolicy> policies;
};

class RouteLoader {
 public:
  explicit RouteLoader(RouteSources sources) : sources_(std::move(sources)), watch_(sources_.files) {}

  // Reads the files as they are now. Fails with what refuses the set; every other diagnostic is logged.
  Result<std::shared_ptr<const route::Snapshot>> Load();
  // Whether the files changed since the last look.
  bool Changed() { return watch_.Changed(); }

 private:
  RouteSources sources_;
  control::RouteFileWatch watch_;
};

}  // namespace rpctee::agent
