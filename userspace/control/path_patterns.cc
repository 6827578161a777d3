#include "control/path_patterns.h"

#include <glob.h>

namespace rpctee::control {

std::vector<ExpandedPattern> ExpandPatterns(const std::vector<std::string>& patterns) {
  std::vector<ExpandedPattern> expanded;
  for (const std::string& pattern : patterns) {
    ExpandedPattern entry{pattern, pattern.find_first_of("*?[") != std::string::npos, {}};
    if (!entry.is_pattern) {
      entry.paths.push_back(pattern);
    } else {
      glob_t found{};
      if (glob(pattern.c_str(), 0, nullptr, &found) == 0) {
        entry.paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
      }
      globfree(&found);
    }
    expanded.push_back(std::move(entry));
  }
  return expanded;
}

}  // namespace rpctee::control
