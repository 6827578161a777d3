// What a Dubbo provider's answer says, by its status and the first bytes of its body.
//
// Any thread; owns nothing, allocates nothing. The body of an answer with status OK begins with a number that says what
// follows: Apache Dubbo, DubboCodec.encodeResponseData (2.5 to 3.3).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/byte_reader.h"

namespace rpctee::protocol::dubbo {

// Within so many bytes the number ends, in every serialization that is read here.
inline constexpr size_t kResultFlagBytes = 8;

// Whether the body of an answer with status OK holds an exception that the method threw. Not when the serialization is
// one in which that can't be read.
bool HoldsException(uint8_t serialization, Bytes body);

// "SERVER_ERROR"; empty for a status that Dubbo does not have.
std::string_view StatusName(uint8_t status);

}  // namespace rpctee::protocol::dubbo
