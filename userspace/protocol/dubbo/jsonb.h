// Walks JSONB, the binary JSON of fastjson2, without building what it describes: steps over values, looks at strings
// and integers.
//
// Type bytes: docs/JSONB/jsonb_format_en.md of alibaba/fastjson2, and what its JSONWriterJSONB (2.0.x) writes. No
// recursion and no allocation; depth and items are bounded. One thread; the bytes must outlive the reader.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/byte_reader.h"
#include "protocol/dubbo/wire_text.h"

namespace rpctee::protocol::dubbo::jsonb {

inline constexpr uint8_t kBinary = 0x91;
inline constexpr uint8_t kTyped = 0x92;
inline constexpr uint8_t kObjectEnd = 0xa5;
inline constexpr uint8_t kObject = 0xa6;
inline constexpr uint8_t kNull = 0xaf;
inline constexpr uint8_t kFalse = 0xb0;
inline constexpr uint8_t kTrue = 0xb1;

inline constexpr size_t kMaxDepth = 256;
// Values in one object. Each costs at least one byte of it; the bound is there for the time that a walk may take.
inline constexpr uint32_t kMaxItems = 1U << 20;

// A string as it was found.
struct Text {
  std::string_view bytes;
  std::optional<Encoding> encoding;  // none: GB 18030, which nobody here can read
};

constexpr bool IsString(uint8_t tag) { return tag >= 0x49 && tag <= 0x7e; }
// An integer of 8 to 64 bits.
bool IsInteger(uint8_t tag);

class Reader {
 public:
  explicit Reader(Bytes object, size_t position = 0) : object_(object), position_(position) {}

  size_t position() const { return position_; }
  // Once true, stays true, and every further step fails.
  bool failed() const { return failed_; }
  bool AtEnd() const { return !failed_ && position_ == object_.size(); }
  // The type byte ahead, without taking it; nothing at the end of the object.
  std::optional<uint8_t> Peek() const;
  // Takes the type byte ahead if it is `tag`.
  bool TakeIf(uint8_t tag);

  Text String();
  // The name of a member: a string, which may be given a number on the way. A number given before is a failure.
  Text Name();
  int64_t Integer();
  // The name of a class in front of a value, and the number that it is given; or the number alone.
  void SkipType();
  // Steps over one value of any kind with all that it contains.
  bool SkipValue();

 private:
  class Stack;

  uint8_t Take();
  uint64_t BigEndian(size_t width);
  void Skip(size_t count);
  void Fail() { failed_ = true; }
  uint32_t Length();
  void SkipSymbol();
  void SkipTime(uint8_t tag);
  void SkipNumber(uint8_t tag);
  void SkipScalarOrBegin(uint8_t tag, Stack& stack);

  Bytes object_;
  size_t position_;
  bool failed_ = false;
};

}  // namespace rpctee::protocol::dubbo::jsonb
