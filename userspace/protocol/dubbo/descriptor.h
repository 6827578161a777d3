// The parameter descriptor of a Dubbo request: JVM type descriptors in a row, without parentheses
// ("IJ[Ljava/lang/String;").
//
// Any thread; owns nothing.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace rpctee::protocol::dubbo {

// How many arguments the descriptor announces; nothing when it is not a row of JVM types (JVM specification 4.3.2).
std::optional<size_t> CountArguments(std::string_view descriptor);

}  // namespace rpctee::protocol::dubbo
