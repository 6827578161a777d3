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

class RouteLoader {
 public:
  explicit RouteLoader(std::vector<std::string> files) : files_(std::move(files)), watch_(files_) {}

  // Reads the files as they are now. Fails with what refuses the set; every other diagnostic is logged.
  Result<std::shared_ptr<const route::Snapshot>> Load();
  // Whether the files changed since the last look.
  bool Changed() { return watch_.Changed(); }

 private:
  std::vector<std::string> files_;
  control::RouteFileWatch watch_;
};

}  // namespace rpctee::agent
