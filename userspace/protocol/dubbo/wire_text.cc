#include "protocol/dubbo/wire_text.h"

#include <algorithm>

#include "protocol/utf8.h"

namespace rpctee::protocol::dubbo {
namespace {

constexpr uint8_t kFstEscape = 0xff;

uint8_t ByteAt(std::string_view bytes, size_t at) { return static_cast<uint8_t>(bytes[at]); }

void AppendCharacter(uint32_t character, std::string& out) {
  const auto tail = [&](unsigned shift) { return static_cast<char>(0x80 | (character >> shift & 0x3f)); };
  if (character < 0x80) {
    out += static_cast<char>(character);
  } else if (character < 0x800) {
    out += static_cast<char>(0xc0 | character >> 6);
    out += tail(0);
  } else if (character < 0x10000) {
    out += static_cast<char>(0xe0 | character >> 12);
    out += tail(6);
    out += tail(0);
  } else {
    out += static_cast<char>(0xf0 | character >> 18);
    out += tail(12);
    out += tail(6);
    out += tail(0);
  }
}

// One unit and the bytes that it takes; none where no unit can be read.
struct Unit {
  uint32_t value = 0;
  size_t bytes = 0;
};

Unit OneToThreeBytes(std::string_view bytes, size_t at, bool is_modified) {
  const auto tail = [&](size_t i) { return (ByteAt(bytes, at + i) & 0xc0) == 0x80; };
  const auto bits = [&](size_t i) { return ByteAt(bytes, at + i) & 0x3fU; };
  const uint8_t lead = ByteAt(bytes, at);
  if (lead < 0x80) {
    return {lead, 1};
  }
  const size_t left = bytes.size() - at;
  if ((lead & 0xe0) == 0xc0 && left >= 2 && tail(1)) {
    const uint32_t value = (lead & 0x1fU) << 6 | bits(1);
    return value >= 0x80 || (is_modified && value == 0) ? Unit{value, 2} : Unit{};
  }
  if ((lead & 0xf0) == 0xe0 && left >= 3 && tail(1) && tail(2)) {
    const uint32_t value = (lead & 0x0fU) << 12 | bits(1) << 6 | bits(2);
    return value >= 0x800 ? Unit{value, 3} : Unit{};
  }
  return {};
}

Unit TwoBytes(std::string_view bytes, size_t at, size_t high) {
  if (bytes.size() - at < 2) {
    return {};
  }
  return {uint32_t{ByteAt(bytes, at + high)} << 8 | ByteAt(bytes, at + 1 - high), 2};
}

Unit FstUnit(std::string_view bytes, size_t at) {
  if (ByteAt(bytes, at) != kFstEscape) {
    return {ByteAt(bytes, at), 1};
  }
  const Unit unit = at + 1 < bytes.size() ? TwoBytes(bytes, at + 1, 1) : Unit{};
  return {unit.value, unit.bytes == 0 ? 0 : unit.bytes + 1};
}

Unit UnitAt(Encoding encoding, std::string_view bytes, size_t at) {
  switch (encoding) {
    case Encoding::kUtf8:
      return {};
    case Encoding::kCesu8:
    case Encoding::kModifiedUtf8:
      return OneToThreeBytes(bytes, at, encoding == Encoding::kModifiedUtf8);
    case Encoding::kLatin1:
      return {ByteAt(bytes, at), 1};
    case Encoding::kUtf16LittleEndian:
      return TwoBytes(bytes, at, 1);
    case Encoding::kUtf16BigEndian:
      return TwoBytes(bytes, at, 0);
    case Encoding::kFst:
      return FstUnit(bytes, at);
  }
  return {};
}

}  // namespace

bool UnitJoiner::Add(uint32_t unit) {
  const bool is_low = (unit & 0xfc00) == 0xdc00;
  if (is_low != (high_ != 0)) {
    return false;
  }
  if ((unit & 0xfc00) == 0xd800) {
    high_ = unit;
    return true;
  }
  AppendCharacter(is_low ? 0x10000 + ((high_ & 0x3ff) << 10 | (unit & 0x3ff)) : unit, out_);
  high_ = 0;
  return true;
}

bool IsPlain(Encoding encoding, std::string_view bytes) {
  switch (encoding) {
    case Encoding::kUtf8:
      return IsUtf8(bytes);
    case Encoding::kCesu8:
    case Encoding::kModifiedUtf8:
      // UTF-8 without characters of four bytes; what is written longer than it need be is none.
      return IsUtf8(bytes) &&
             std::none_of(bytes.begin(), bytes.end(), [](char byte) { return static_cast<uint8_t>(byte) >= 0xf0; });
    case Encoding::kLatin1:
    case Encoding::kFst:
      return IsAscii(bytes);
    case Encoding::kUtf16LittleEndian:
    case Encoding::kUtf16BigEndian:
      return bytes.empty();
  }
  return false;
}

std::optional<std::string> ToUtf8(Encoding encoding, std::string_view bytes, size_t max_bytes) {
  if (IsPlain(encoding, bytes)) {
    return bytes.size() <= max_bytes ? std::optional<std::string>(bytes) : std::nullopt;
  }
  std::string out;
  UnitJoiner joiner(out);
  for (size_t at = 0; at < bytes.size();) {
    const Unit unit = UnitAt(encoding, bytes, at);
    if (unit.bytes == 0 || !joiner.Add(unit.value) || out.size() > max_bytes) {
      return std::nullopt;
    }
    at += unit.bytes;
  }
  return joiner.Done() ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace rpctee::protocol::dubbo
