// Numbers as they go onto a wire, most significant byte first; byte_reader.h has the other direction. Pure functions;
// any thread.
#pragma once

#include <cstdint>
#include <span>

namespace rpctee {

// Fills all of `out`, with the value's low bytes when it has fewer than eight.
inline void WriteBe(uint64_t value, std::span<uint8_t> out) {
  for (size_t i = out.size(); i-- > 0; value >>= 8) {
    out[i] = static_cast<uint8_t>(value);
  }
}

}  // namespace rpctee
