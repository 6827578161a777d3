// The pairs of keys and values in a THeader.
//
// Any thread; owns nothing.
#pragma once

#include <optional>

#include "base/byte_reader.h"
#include "protocol/thrift/varint.h"

namespace rpctee::protocol::thrift {

// More pairs in one THeader, and none of them is read.
inline constexpr size_t kMaxInfoKeys = 64;

inline constexpr uint32_t kInfoPadding = 0;
inline constexpr uint32_t kInfoPairs = 1;  // their number and they themselves follow

inline std::string_view ReadInfoText(ByteReader& reader) {
  const auto bytes = ReadVarint32(reader);
  // No length: also when it was malformed, the reader must fail.
  return AsText(reader.Take(bytes ? *bytes : reader.remaining() + 1));
}

// Calls `take` for each pair in the info part of a THeader. Returns where the padding begins; nothing when the part
// can't be read to its end.
template <typename Take>
std::optional<size_t> ForEachPair(Bytes info, Take take) {
  ByteReader reader(info);
  size_t pairs_left = kMaxInfoKeys;
  while (reader.remaining() > 0) {
    const size_t at = reader.position();
    const auto kind = ReadVarint32(reader);
    if (kind == kInfoPadding) {
      return at;
    }
    const auto pairs = kind == kInfoPairs ? ReadVarint32(reader) : std::nullopt;
    if (!pairs || *pairs > pairs_left) {
      return std::nullopt;
    }
    pairs_left -= *pairs;
    for (size_t i = 0; i < *pairs; ++i) {
      const std::string_view key = ReadInfoText(reader);
      const std::string_view value = ReadInfoText(reader);
      if (reader.failed()) {
        return std::nullopt;
      }
      take(key, value);
    }
  }
  return info.size();
}

}  // namespace rpctee::protocol::thrift
