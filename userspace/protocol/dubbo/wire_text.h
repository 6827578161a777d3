// Text as the serializations write it, made UTF-8.
//
// Any thread; owns nothing. Where the bytes are UTF-8 as they stand, nobody need copy them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rpctee::protocol::dubbo {

// How the characters of a text are written.
enum class Encoding : uint8_t {
  kUtf8,
  // Each UTF-16 unit in one to three bytes, so a character outside the basic plane in two times three (CESU-8).
  kCesu8,
  kModifiedUtf8,  // the same, and U+0000 as c0 80: Java's DataOutput
  kLatin1,
  kUtf16LittleEndian,
  kUtf16BigEndian,
  kFst,  // a byte for a unit below 255; 255 and two bytes, little endian, for others
};

// True when the bytes are the text in UTF-8 already.
bool IsPlain(Encoding encoding, std::string_view bytes);

// The text in UTF-8. Nothing when it is malformed, has no form in UTF-8 (half a surrogate pair), or is longer than
// `max_bytes`; allocates no more than about that.
std::optional<std::string> ToUtf8(Encoding encoding, std::string_view bytes, size_t max_bytes);

// Puts UTF-8 together from UTF-16 units.
class UnitJoiner {
 public:
  explicit UnitJoiner(std::string& out) : out_(out) {}
  // False for half a pair. Nothing more may be added then.
  bool Add(uint32_t unit);
  // False when the first half of a pair came last.
  bool Done() const { return high_ == 0; }

 private:
  std::string& out_;
  uint32_t high_ = 0;  // the first half of a pair
};

}  // namespace rpctee::protocol::dubbo
