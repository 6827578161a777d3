// Paths and shell patterns ("/etc/rpctee/routes/*.yaml"). Any thread; no state.
#pragma once

#include <string>
#include <vector>

namespace rpctee::control {

struct ExpandedPattern {
  std::string pattern;
  bool is_pattern = false;         // has *, ? or [
  std::vector<std::string> paths;  // sorted; for a plain path just that, whether it exists or not
};

std::vector<ExpandedPattern> ExpandPatterns(const std::vector<std::string>& patterns);

}  // namespace rpctee::control
