// Whether bytes off a wire are text.
//
// Any thread; nothing is owned.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace rpctee::protocol {

// Looks at words, the last of which overlaps the one before.
inline bool IsAscii(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  uint64_t seen = 0;
  const auto look = [&](size_t at, auto word) {
    std::memcpy(&word, text.data() + at, sizeof(word));
    seen |= word;
  };
  const size_t size = text.size();
  if (size >= sizeof(uint64_t)) {
    for (size_t at = 0; at < size - sizeof(uint64_t); at += sizeof(uint64_t)) {
      look(at, uint64_t{});
    }
    look(size - sizeof(uint64_t), uint64_t{});
  } else if (size >= sizeof(uint32_t)) {
    look(0, uint32_t{});
    look(size - sizeof(uint32_t), uint32_t{});
  } else if (size != 0) {
    look(0, uint8_t{});
    look(size / 2, uint8_t{});
    look(size - 1, uint8_t{});
  }
  return (seen & kHighBits) == 0;
}

// Well-formed UTF-8 (RFC 3629): no character written longer than it need be, no surrogates, nothing above U+10FFFF.
bool IsUtf8(std::string_view text);

}  // namespace rpctee::protocol
