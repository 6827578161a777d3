// Makes UTF-8 of the Hessian2 strings that can't be used as they stand: strings in several chunks, and characters
// written as two three-byte surrogates.
//
// Any thread; allocates no more than the text that is there, up to a bound.
#pragma once

#include <optional>
#include <string>

#include "base/byte_reader.h"

namespace rpctee::protocol::dubbo::hessian2 {

// The string whose first type byte stands at `at`. Nothing when it is malformed, longer than `max_bytes`, or has no
// form in UTF-8 (half a surrogate pair, a character written longer than it need be).
std::optional<std::string> DecodeText(Bytes message, size_t at, size_t max_bytes);

}  // namespace rpctee::protocol::dubbo::hessian2
