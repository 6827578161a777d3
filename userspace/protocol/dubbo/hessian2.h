// Walks a Hessian2 message without building what it describes: steps over values, looks at strings and integers.
//
// Type bytes: Hessian 2.0 as Apache Dubbo's hessian-lite writes it. No recursion and no allocation; depth, items and
// class definitions are bounded, and beyond a bound the message counts as unreadable. One thread; the bytes must
// outlive the reader.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/byte_reader.h"
#include "protocol/dubbo/hessian2_tags.h"

namespace rpctee::protocol::dubbo::hessian2 {

inline constexpr size_t kMaxDepth = 256;
// Values in one message. Each costs at least one byte of it; the bound is there for the time that a walk may take.
inline constexpr uint32_t kMaxItems = 1U << 20;
inline constexpr size_t kMaxClassDefinitions = 512;

// One piece of a string. Lengths on the wire count UTF-16 units; a character takes one to three bytes for each.
struct TextChunk {
  std::string_view bytes;
  bool is_plain = true;  // valid UTF-8: no surrogates, nothing longer than it need be
  bool is_last = true;
};

// A string as it was found. Small enough to be returned in registers, as every string of a request is.
struct Text {
  enum class Form : uint8_t {
    kAbsent,   // null
    kPlain,    // in one piece and valid UTF-8: `bytes` of it stand at `at`
    kEncoded,  // in chunks, or with characters outside UTF-8's rules: DecodeText makes it readable, if it can be
  };
  Form form = Form::kAbsent;
  uint32_t bytes = 0;
  size_t at = 0;  // where it begins; kEncoded: with its first type byte
};

class Reader {
 public:
  explicit Reader(Bytes message, size_t position = 0) : message_(message), position_(position) {}

  size_t position() const { return position_; }
  // Once true, stays true, and every further step fails.
  bool failed() const { return failed_; }
  // The type byte ahead, without taking it; nothing at the end of the message.
  std::optional<uint8_t> Peek() const {
    return failed_ || position_ >= message_.size() ? std::nullopt : std::optional(message_[position_]);
  }
  // Takes the type byte ahead if it is `tag`.
  bool TakeIf(uint8_t tag) {
    const bool is_ahead = Peek() == tag;
    position_ += is_ahead ? 1 : 0;
    return is_ahead;
  }

  TextChunk StringChunk();
  // A string or a null; anything else is a failure.
  Text String();
  // An int or a long.
  int64_t Integer();
  // Steps over one value of any kind, with all that it contains, and over class definitions in front of it.
  bool SkipValue();
  // The type name of a typed list or map: a string, or an int that refers to an earlier one.
  void SkipType();

 private:
  class Stack;

  uint8_t Take();
  Text AnyString();
  uint64_t BigEndian(size_t width);
  void Skip(size_t count);
  void Fail() { failed_ = true; }
  uint32_t Index();
  uint32_t Count();
  std::string_view TakeUnits(uint32_t units, bool& is_plain);
  std::string_view TakeUnitsOneByOne(uint32_t units, bool& is_plain);
  bool SkipMultiByteUnit();
  void SkipBinary(uint8_t tag);
  void SkipScalarOrBegin(uint8_t tag, Stack& stack);
  void BeginContainer(uint8_t tag, Stack& stack);
  void BeginObject(size_t definition, Stack& stack);
  void BeginCounted(uint32_t count, Stack& stack);
  void ReadClassDefinition();

  Bytes message_;
  size_t position_;
  bool failed_ = false;
  uint32_t items_ = 0;
  size_t class_definitions_ = 0;
  // Only the first class_definitions_ entries have a value.
  std::array<uint16_t, kMaxClassDefinitions> field_counts_;
};

}  // namespace rpctee::protocol::dubbo::hessian2
