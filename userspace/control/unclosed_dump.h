// A route dump whose end is missing. Any thread; a pure function.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rpctee::control {

// Aeraki's guide prints a dump without its last two brackets. Exactly that is mended: JSON that ends after a whole
// element of the list dynamic_route_configs, where nothing but the closers of that list and of what is around it is
// missing. Gives the text with them; nothing for any other text, because elsewhere a cut could turn 1 % into 100 %.
std::optional<std::string> CloseDump(std::string_view text);

// Whether the text is JSON that ends before its closing brackets, wherever that is.
bool EndsTooEarly(std::string_view text);

}  // namespace rpctee::control
