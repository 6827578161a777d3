// "Did you mean": the known name that a misspelt one is nearest to. Any thread; a pure function.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace rpctee::control {

// The nearest of `names` by edits, when it is near enough for a slip of the hand; else "".
std::string SimilarName(std::string_view name, const std::vector<std::string>& names);

}  // namespace rpctee::control
