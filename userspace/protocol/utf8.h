// Whether bytes off a wire are text.
//
// Any thread; nothing is owned.
#pragma once

#include <string_view>

namespace rpctee::protocol {

// Well-formed UTF-8 (RFC 3629): no character written longer than it need be, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

}  // namespace rpctee::protocol
