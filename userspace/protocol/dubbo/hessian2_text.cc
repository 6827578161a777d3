#include "protocol/dubbo/hessian2_text.h"

#include "protocol/dubbo/hessian2.h"

namespace rpctee::protocol::dubbo::hessian2 {
namespace {

constexpr size_t kSurrogateBytes = 3;

// The UTF-16 unit that three bytes at `at` stand for; 0 when the text ends before.
uint32_t ThreeByteUnit(std::string_view text, size_t at) {
  if (text.size() - at < kSurrogateBytes) {
    return 0;
  }
  const auto bits = [&](size_t i, unsigned mask) { return static_cast<uint8_t>(text[at + i]) & mask; };
  return bits(0, 0x0f) << 12 | bits(1, 0x3f) << 6 | bits(2, 0x3f);
}

bool IsHighSurrogate(uint32_t unit) { return (unit & 0xfc00) == 0xd800; }
bool IsLowSurrogate(uint32_t unit) { return (unit & 0xfc00) == 0xdc00; }

void AppendFourByteCharacter(uint32_t character, std::string& out) {
  out += static_cast<char>(0xf0 | character >> 18);
  out += static_cast<char>(0x80 | (character >> 12 & 0x3f));
  out += static_cast<char>(0x80 | (character >> 6 & 0x3f));
  out += static_cast<char>(0x80 | (character & 0x3f));
}

bool IsOverlong(uint8_t lead, uint8_t next) { return lead == 0xc0 || lead == 0xc1 || (lead == 0xe0 && next < 0xa0); }

// `text` has whole characters of one to three bytes: the reader checked it.
std::optional<std::string> JoinSurrogates(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<uint8_t>(text[at]);
    if (lead < 0x80) {
      out += text[at++];
      continue;
    }
    const size_t width = lead < 0xe0 ? 2 : 3;
    const uint32_t unit = width == 3 ? ThreeByteUnit(text, at) : 0;
    if (IsOverlong(lead, static_cast<uint8_t>(text[at + 1])) || IsLowSurrogate(unit)) {
      return std::nullopt;
    }
    if (IsHighSurrogate(unit)) {
      const uint32_t low = ThreeByteUnit(text, at + width);
      if (!IsLowSurrogate(low) || static_cast<uint8_t>(text[at + width]) != 0xed) {
        return std::nullopt;
      }
      AppendFourByteCharacter(0x10000 + ((unit & 0x3ff) << 10 | (low & 0x3ff)), out);
      at += 2 * kSurrogateBytes;
      continue;
    }
    out.append(text, at, width);
    at += width;
  }
  return out;
}

}  // namespace

std::optional<std::string> DecodeText(Bytes message, size_t at, size_t max_bytes) {
  Reader reader(message, at);
  std::string joined;
  bool is_plain = true;
  TextChunk chunk;
  do {
    chunk = reader.StringChunk();
    if (reader.failed() || chunk.bytes.size() > max_bytes - joined.size()) {
      return std::nullopt;
    }
    is_plain = is_plain && chunk.is_plain;
    joined += chunk.bytes;
  } while (!chunk.is_last);
  if (is_plain) {
    return joined;
  }
  return JoinSurrogates(joined);
}

}  // namespace rpctee::protocol::dubbo::hessian2
