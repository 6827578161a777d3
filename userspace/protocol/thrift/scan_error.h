// Why bytes are no Thrift message: a byte for the scanners to keep, and its text.
//
// Pure; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace rpctee::protocol::thrift {

enum class ScanError : uint8_t {
  kNone,
  kUnknownMessage,
  kUnknownMessageType,
  kLongName,
  kLongHeaderNumber,
  kLongMessage,
  kUnknownType,
  kLongNumber,
  kNegative,
  kLongArguments,
  kTooDeep,
};

// Empty for kNone.
constexpr std::string_view TextOf(ScanError error) {
  constexpr std::array<std::string_view, 11> kTexts = {
      "",
      "no Thrift message begins like this",
      "the message type is none of Thrift's",
      "the name is longer than a name may be",
      "a number has more than 32 bits",
      "the message is longer than allowed",
      "a value has a type that Thrift does not have",
      "a number has more bytes than it may have",
      "a length or size is negative",
      "the arguments are longer than allowed",
      "values are nested deeper than Thrift reads them",
  };
  return kTexts[static_cast<size_t>(error)];
}
static_assert(!TextOf(ScanError::kTooDeep).empty());

}  // namespace rpctee::protocol::thrift
