#include "control/diagnostic.h"

#include <fmt/format.h>

namespace rpctee::control {

std::string Diagnostic::ToString() const {
  constexpr const char* kNames[] = {"info", "warning", "error"};
  const std::string where = origin.ToString();
  return fmt::format("{}{}{}: {}", where, where.empty() ? "" : ": ", kNames[static_cast<size_t>(severity)], message);
}

}  // namespace rpctee::control
