// One line of a report for people: a name, and its value in a column that no name reaches. Any thread.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace rpctee {

inline std::string ReportLine(std::string_view name, std::string_view value) {
  constexpr size_t kColumn = 22;  // behind the longest name
  std::string line = "  " + std::string(name);
  line.resize(std::max(line.size() + 1, kColumn), ' ');
  return line.append(value) + "\n";
}

}  // namespace rpctee
