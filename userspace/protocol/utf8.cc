#include "protocol/utf8.h"

#include <cstddef>
#include <cstdint>

namespace rpctee::protocol {
namespace {

// What may follow a first byte: how many bytes, and between which the first of them must be (RFC 3629, section 4).
struct Tail {
  size_t bytes;
  uint8_t lowest;
  uint8_t highest;
};

constexpr uint8_t kLowestTail = 0x80;
constexpr uint8_t kHighestTail = 0xbf;
constexpr Tail kNoCharacter = {0, 0, 0};

constexpr Tail TailOf(uint8_t lead) {
  if (lead >= 0xc2 && lead <= 0xdf) {
    return {1, kLowestTail, kHighestTail};
  }
  if (lead >= 0xe0 && lead <= 0xef) {
    return {2, lead == 0xe0 ? uint8_t{0xa0} : kLowestTail, lead == 0xed ? uint8_t{0x9f} : kHighestTail};
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    return {3, lead == 0xf0 ? uint8_t{0x90} : kLowestTail, lead == 0xf4 ? uint8_t{0x8f} : kHighestTail};
  }
  return kNoCharacter;
}

}  // namespace

bool IsUtf8(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    if (byte(at) < kLowestTail) {
      continue;
    }
    const Tail tail = TailOf(byte(at));
    if (tail.bytes == 0 || text.size() - at <= tail.bytes || byte(at + 1) < tail.lowest ||
        byte(at + 1) > tail.highest) {
      return false;
    }
    for (size_t i = 2; i <= tail.bytes; ++i) {
      if (byte(at + i) < kLowestTail || byte(at + i) > kHighestTail) {
        return false;
      }
    }
    at += tail.bytes;
  }
  return true;
}

}  // namespace rpctee::protocol
