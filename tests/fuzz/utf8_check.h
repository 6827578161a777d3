// Whether text that was handed out is UTF-8, decided here a second time, independent of userspace/protocol.
#pragma once

#include <cstdint>
#include <string_view>

namespace rpctee::fuzz {

// Bytes of the character at `at`; 0 when it is not UTF-8 (RFC 3629).
inline size_t CharacterBytes(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return at + i < text.size() ? static_cast<uint8_t>(text[at + i]) : uint8_t{0}; };
  const auto tail = [&](size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const uint8_t lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xc2 && lead <= 0xdf) {
    return tail(1) ? 2 : 0;
  }
  if ((lead & 0xf0) == 0xe0) {
    const bool fits = (lead != 0xe0 || byte(1) >= 0xa0) && (lead != 0xed || byte(1) < 0xa0);
    return fits && tail(1) && tail(2) ? 3 : 0;
  }
  const bool fits = (lead != 0xf0 || byte(1) >= 0x90) && (lead != 0xf4 || byte(1) < 0x90);
  return lead >= 0xf0 && lead <= 0xf4 && fits && tail(1) && tail(2) && tail(3) ? 4 : 0;
}

inline bool IsUtf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t bytes = CharacterBytes(text, at);
    if (bytes == 0) {
      return false;
    }
    at += bytes;
  }
  return true;
}

}  // namespace rpctee::fuzz
