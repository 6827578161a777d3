#include "route/route_set.h"

namespace rpctee::route {

std::string Origin::ToString() const {
  std::string text = file;
  if (line > 0) {
    text += ":" + std::to_string(line);
    if (column > 0) {
      text += ":" + std::to_string(column);
    }
  }
  return text;
}

std::string RouteLabel(const Route& route, size_t index) {
  return route.name.empty() ? "#" + std::to_string(index + 1) : route.name;
}

}  // namespace rpctee::route
