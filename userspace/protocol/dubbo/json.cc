#include "protocol/dubbo/json.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "protocol/dubbo/wire_text.h"
#include "protocol/utf8.h"

namespace rpctee::protocol::dubbo::json {
namespace {

constexpr size_t kUnicodeDigits = 4;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsControl(char c) { return static_cast<uint8_t>(c) < 0x20; }

// Digits at the start of `text` are taken off; false when there are none.
bool TakeDigits(std::string_view& text) {
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  text.remove_prefix(digits);
  return digits > 0;
}

bool TakeCharacter(std::string_view& text, std::string_view characters) {
  const bool has_one = !text.empty() && characters.find(text.front()) != std::string_view::npos;
  text.remove_prefix(has_one ? 1 : 0);
  return has_one;
}

// The character that one letter behind a backslash stands for; 0 for anything else.
char SimpleEscape(char letter) {
  constexpr std::string_view kLetters = "\"\\/bfnrt";
  constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const size_t at = kLetters.find(letter);
  return at == std::string_view::npos ? '\0' : kMeanings[at];
}

std::optional<uint32_t> HexUnit(std::string_view digits) {
  uint32_t unit = 0;
  for (const char digit : digits) {
    const char lower = static_cast<char>(digit | 0x20);
    const bool is_letter = lower >= 'a' && lower <= 'f';
    if (!IsDigit(digit) && !is_letter) {
      return std::nullopt;
    }
    unit = unit << 4 | static_cast<uint32_t>(is_letter ? lower - 'a' + 10 : digit - '0');
  }
  return unit;
}

}  // namespace

char Reader::Peek() {
  while (!failed_ && position_ < text_.size() && (text_[position_] == ' ' || text_[position_] == '\t')) {
    ++position_;
  }
  return failed_ || position_ == text_.size() ? '\0' : text_[position_];
}

bool Reader::TakeIf(char c) {
  if (c == '\0' || Peek() != c) {
    return false;
  }
  ++position_;
  return true;
}

std::string_view Reader::String() {
  if (!TakeIf('"')) {
    Fail();
    return {};
  }
  const size_t begin = position_;
  bool is_escaped = false;
  for (; position_ < text_.size(); ++position_) {
    const char c = text_[position_];
    if (c == '"' && !is_escaped) {
      return text_.substr(begin, position_++ - begin);
    }
    is_escaped = c == '\\' && !is_escaped;
  }
  Fail();
  return {};
}

std::string_view Reader::Literal() {
  (void)Peek();
  const size_t begin = std::min(position_, text_.size());
  while (!failed_ && position_ < text_.size() &&
         std::string_view("abcdefghijklmnopqrstuvwxyzE0123456789+-.").find(text_[position_]) !=
             std::string_view::npos) {
    ++position_;
  }
  const std::string_view literal = text_.substr(begin, position_ - begin);
  if (literal == "null" || literal == "true" || literal == "false") {
    return literal;
  }
  if (!IsNumber(literal)) {
    Fail();
    return {};
  }
  position_ += position_ < text_.size() && std::string_view("BSLFD").find(text_[position_]) != std::string_view::npos;
  return literal;
}

bool Reader::SkipContainer() {
  std::array<char, kMaxDepth> closing;
  size_t depth = 0;
  do {
    position_ = std::min(text_.find_first_of("\"[]{}", position_), text_.size());
    if (position_ == text_.size()) {
      Fail();
      break;
    }
    const char c = text_[position_];
    if (c == '"') {
      (void)String();
      continue;
    }
    ++position_;
    if (c == '[' || c == '{') {
      if (depth == kMaxDepth) {
        Fail();
        break;
      }
      closing[depth++] = c == '[' ? ']' : '}';
    } else if (closing[--depth] != c) {
      Fail();
    }
  } while (!failed_ && depth > 0);
  return !failed_;
}

bool Reader::SkipValue() {
  switch (Peek()) {
    case '"':
      (void)String();
      break;
    case '[':
    case '{':
      return SkipContainer();
    default:
      (void)Literal();
  }
  return !failed_;
}

bool IsNumber(std::string_view literal) {
  (void)TakeCharacter(literal, "-");
  if (!TakeDigits(literal) || (TakeCharacter(literal, ".") && !TakeDigits(literal))) {
    return false;
  }
  if (TakeCharacter(literal, "eE")) {
    (void)TakeCharacter(literal, "+-");
    if (!TakeDigits(literal)) {
      return false;
    }
  }
  return literal.empty();
}

bool IsPlainString(std::string_view quoted) {
  return std::none_of(quoted.begin(), quoted.end(), [](char c) { return c == '\\' || IsControl(c); }) && IsUtf8(quoted);
}

std::optional<std::string> DecodeString(std::string_view quoted, size_t max_bytes) {
  std::string out;
  UnitJoiner joiner(out);
  for (size_t at = 0; at < quoted.size() && out.size() <= max_bytes;) {
    const char c = quoted[at++];
    if (c != '\\') {
      // Half a pair can't go on as plain text.
      if (IsControl(c) || !joiner.Done()) {
        return std::nullopt;
      }
      out += c;
      continue;
    }
    const char letter = at < quoted.size() ? quoted[at++] : '\0';
    const bool is_unicode = letter == 'u' && quoted.size() - at >= kUnicodeDigits;
    const std::optional<uint32_t> unit =
        is_unicode ? HexUnit(quoted.substr(at, kUnicodeDigits)) : static_cast<uint8_t>(SimpleEscape(letter));
    if (!unit || (!is_unicode && *unit == 0) || !joiner.Add(*unit)) {
      return std::nullopt;
    }
    at += is_unicode ? kUnicodeDigits : 0;
  }
  return joiner.Done() && out.size() <= max_bytes && IsUtf8(out) ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace rpctee::protocol::dubbo::json
