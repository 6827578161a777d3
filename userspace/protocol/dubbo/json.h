// Walks JSON (RFC 8259) without building what it describes: steps over values, looks at strings, names and numbers.
//
// No recursion and no allocation; the depth is bounded. Line ends are no blanks here: in Dubbo's bodies they end a
// value. One thread; the text must outlive the reader.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rpctee::protocol::dubbo::json {

inline constexpr size_t kMaxDepth = 256;

class Reader {
 public:
  explicit Reader(std::string_view text, size_t position = 0) : text_(text), position_(position) {}

  size_t position() const { return position_; }
  // Once true, stays true, and every further step fails.
  bool failed() const { return failed_; }
  // The next character behind blanks, without taking it; 0 at the end.
  char Peek();
  // Takes that character if it is `c`.
  bool TakeIf(char c);
  bool AtEnd() { return !failed_ && Peek() == 0 && position_ == text_.size(); }

  // What stands between the quotes, with its escapes; IsPlainString or DecodeString make text of it.
  std::string_view String();
  // null, true, false or a number, as it stands; without the letter that fastjson may put behind a number for its type.
  std::string_view Literal();
  // Steps over one value of any kind with all that it contains. Only the shape of what is inside is looked at: strings,
  // and brackets that match.
  bool SkipValue();

 private:
  void Fail() { failed_ = true; }
  bool SkipContainer();

  std::string_view text_;
  size_t position_;
  bool failed_ = false;
};

bool IsNumber(std::string_view literal);

// True when what stands between the quotes is the text in UTF-8: no escapes.
bool IsPlainString(std::string_view quoted);

// The text of a string with its escapes resolved. Nothing when it is malformed, longer than `max_bytes`, or has no form
// in UTF-8 (half a surrogate pair).
std::optional<std::string> DecodeString(std::string_view quoted, size_t max_bytes);

}  // namespace rpctee::protocol::dubbo::json
