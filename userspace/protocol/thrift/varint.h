// Variable-length integers of Thrift's compact protocol: seven bits a byte, the lowest first, the top bit set in all
// but the last.
//
// Any thread; owns nothing. thrift-compact-protocol.md of Apache Thrift.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/byte_reader.h"

namespace rpctee::protocol::thrift {

inline constexpr size_t kMaxVarint32Bytes = 5;
inline constexpr size_t kMaxVarint64Bytes = 10;

// A number of at most 32 bits. Nothing when it has more bits or bytes; also when the bytes end inside it: then the
// reader has failed.
inline std::optional<uint32_t> ReadVarint32(ByteReader& reader) {
  uint64_t value = 0;
  for (size_t i = 0; i < kMaxVarint32Bytes; ++i) {
    const uint8_t byte = reader.U8();
    if (reader.failed()) {
      return std::nullopt;
    }
    value |= uint64_t{byte & 0x7fU} << (7 * i);
    if ((byte & 0x80) == 0) {
      return value <= UINT32_MAX ? std::optional(static_cast<uint32_t>(value)) : std::nullopt;
    }
  }
  return std::nullopt;
}

inline size_t VarintBytes(uint32_t value) {
  size_t bytes = 1;
  while ((value >>= 7) != 0) {
    ++bytes;
  }
  return bytes;
}

// Fills all of `out`, which has at least VarintBytes(value) bytes. In more bytes than needed the last ones carry zero
// bits, which every reader of Apache Thrift takes.
inline void WriteVarint(uint32_t value, std::span<uint8_t> out) {
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<uint8_t>((value & 0x7f) | (i + 1 < out.size() ? 0x80U : 0U));
    value >>= 7;
  }
}

}  // namespace rpctee::protocol::thrift
