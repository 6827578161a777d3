// Comparing names that are ASCII by nature: field names and attachment keys.
#pragma once

#include <algorithm>
#include <string_view>

namespace rpctee::protocol {

inline char AsciiLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

inline bool EqualsIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return AsciiLower(x) == AsciiLower(y); });
}

}  // namespace rpctee::protocol
