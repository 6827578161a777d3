#include "control/route_watch.h"

#include <sys/stat.h>

#include <utility>

#include "control/path_patterns.h"

namespace rpctee::control {

RouteFileWatch::RouteFileWatch(std::vector<std::string> patterns) : patterns_(std::move(patterns)), seen_(Look()) {}

bool RouteFileWatch::Changed() {
  Stamps now = Look();
  const bool changed = now != seen_;
  seen_ = std::move(now);
  return changed;
}

RouteFileWatch::Stamps RouteFileWatch::Look() const {
  Stamps stamps;
  for (const ExpandedPattern& pattern : ExpandPatterns(patterns_)) {
    for (const std::string& path : pattern.paths) {
      FileStamp& stamp = stamps[path];
      struct stat status {};
      if (path != "-" && stat(path.c_str(), &status) == 0) {
        stamp.size = status.st_size;
        stamp.modified_ns = int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
        stamp.inode = status.st_ino;
        stamp.device = status.st_dev;
      }
    }
  }
  return stamps;
}

}  // namespace rpctee::control
