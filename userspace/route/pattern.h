// Shell patterns over names: `*` stands for any text, `?` for one character, everything else for itself.
//
// Pure function; any thread. Takes time of pattern times text at most, and no memory. It is not fnmatch(3), which
// chooses interfaces: that wants strings that end with a NUL, which names in requests do not, it depends on the locale,
// and it gives `[` and `\` a meaning that these patterns are not documented to have.
#pragma once

#include <string_view>

namespace rpctee::route {

bool MatchesPattern(std::string_view pattern, std::string_view text);

}  // namespace rpctee::route
