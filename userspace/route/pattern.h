// Shell patterns over names: `*` stands for any text, `?` for one character, everything else for itself.
//
// Pure function; any thread. Takes time of pattern times text at most, and no memory.
#pragma once

#include <string_view>

namespace rpctee::route {

bool MatchesPattern(std::string_view pattern, std::string_view text);

}  // namespace rpctee::route
