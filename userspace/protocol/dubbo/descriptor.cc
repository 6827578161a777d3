#include "protocol/dubbo/descriptor.h"

namespace rpctee::protocol::dubbo {

std::optional<size_t> CountArguments(std::string_view descriptor) {
  constexpr std::string_view kPrimitives = "BCDFIJSZ";
  size_t count = 0;
  size_t at = 0;
  while (at < descriptor.size()) {
    at = descriptor.find_first_not_of('[', at);
    if (at == std::string_view::npos) {
      return std::nullopt;
    }
    if (descriptor[at] == 'L') {
      at = descriptor.find(';', at);
      if (at == std::string_view::npos) {
        return std::nullopt;
      }
    } else if (kPrimitives.find(descriptor[at]) == std::string_view::npos) {
      return std::nullopt;
    }
    ++at;
    ++count;
  }
  return count;
}

}  // namespace rpctee::protocol::dubbo
