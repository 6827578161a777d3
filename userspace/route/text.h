// Comparisons of text without regard to ASCII case, and without allocation. `folded` has gone through Fold before.
// Pure functions; any thread.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace rpctee::route {

inline char FoldChar(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

inline std::string Fold(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), FoldChar);
  return text;
}

inline bool EqualsFolded(std::string_view text, std::string_view folded) {
  return text.size() == folded.size() && std::equal(text.begin(), text.end(), folded.begin(),
                                                    [](char raw, char lower) { return FoldChar(raw) == lower; });
}

inline bool ContainsFolded(std::string_view text, std::string_view folded) {
  return std::search(text.begin(), text.end(), folded.begin(), folded.end(),
                     [](char raw, char lower) { return FoldChar(raw) == lower; }) != text.end() ||
         folded.empty();
}

}  // namespace rpctee::route
