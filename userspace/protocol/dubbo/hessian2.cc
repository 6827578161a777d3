#include "protocol/dubbo/hessian2.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "protocol/dubbo/hessian2_tags.h"
#include "protocol/utf8.h"

namespace rpctee::protocol::dubbo::hessian2 {
namespace {

constexpr uint64_t kHighBits = 0x8080808080808080;

// How many of the first eight bytes come before the first that is above 0x7f; near the end perhaps fewer.
uint32_t AsciiRun(Bytes bytes) {
  uint64_t eight = 0;
  if (bytes.size() < sizeof(eight)) {
    return bytes[0] < 0x80 ? 1 : 0;
  }
  std::memcpy(&eight, bytes.data(), sizeof(eight));
  const uint64_t high = eight & kHighBits;
  const int zeros = std::endian::native == std::endian::little ? std::countr_zero(high) : std::countl_zero(high);
  return static_cast<uint32_t>(zeros) / 8;
}

bool IsContinuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

}  // namespace

// The containers that are open, innermost last. Its storage is left as it is until a level is begun.
class Reader::Stack {
 public:
  struct Level {
    enum class Kind : uint8_t { kCounted, kValues, kPairs };
    Kind kind;
    bool at_value;  // kPairs: the key has been read
    uint32_t left;  // kCounted: values still to come

    bool IsDone(Reader& reader) const { return kind == Kind::kCounted ? left == 0 : !at_value && reader.TakeIf(kEnd); }
    void BeginNext() {
      if (kind == Kind::kCounted) {
        --left;
      } else {
        at_value = kind == Kind::kPairs && !at_value;
      }
    }
  };

  bool empty() const { return depth_ == 0; }
  Level& top() { return levels_[depth_ - 1]; }
  void Pop() { --depth_; }
  bool Push(Level level) {
    if (depth_ == kMaxDepth) {
      return false;
    }
    levels_[depth_++] = level;
    return true;
  }

 private:
  size_t depth_ = 0;
  std::array<Level, kMaxDepth> levels_;
};

inline uint8_t Reader::Take() {
  if (failed_ || position_ >= message_.size()) {
    Fail();
    return 0;
  }
  return message_[position_++];
}

uint64_t Reader::BigEndian(size_t width) {
  if (failed_ || width > message_.size() - position_) {
    Fail();
    return 0;
  }
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) {
    value = (value << 8) | message_[position_++];
  }
  return value;
}

void Reader::Skip(size_t count) {
  if (failed_ || count > message_.size() - position_) {
    Fail();
    return;
  }
  position_ += count;
}

// One character above 0x7f. False when it is not valid UTF-8 although its length is clear.
bool Reader::SkipMultiByteUnit() {
  const Bytes rest = message_.subspan(position_);
  const uint8_t lead = rest[0];
  const size_t width = (lead & 0xe0) == 0xc0 ? 2 : 3;
  if ((width == 3 && (lead & 0xf0) != 0xe0) || rest.size() < width || !IsContinuation(rest[1]) ||
      !IsContinuation(rest[width - 1])) {
    Fail();
    return false;
  }
  position_ += width;
  const bool is_surrogate = lead == 0xed && rest[1] >= 0xa0;
  const bool is_overlong = lead < 0xc2 || (lead == 0xe0 && rest[1] < 0xa0);
  return !is_surrogate && !is_overlong;
}

std::string_view Reader::TakeUnitsOneByOne(uint32_t units, bool& is_plain) {
  const size_t begin = position_;
  while (units > 0 && !failed_) {
    if (message_.size() - position_ < units) {
      Fail();
      break;
    }
    const uint32_t ascii = std::min(AsciiRun(message_.subspan(position_)), units);
    if (ascii > 0) {
      position_ += ascii;
      units -= ascii;
      continue;
    }
    if (!SkipMultiByteUnit()) {
      is_plain = false;
    }
    --units;
  }
  return failed_ ? std::string_view{} : AsText(message_.subspan(begin, position_ - begin));
}

// Nearly all text in requests is ASCII, for which the number of units is that of bytes.
inline std::string_view Reader::TakeUnits(uint32_t units, bool& is_plain) {
  if (failed_ || units > message_.size() - position_) {
    Fail();
    return {};
  }
  const std::string_view text = AsText(message_.subspan(position_, units));
  if (!IsAscii(text)) {
    return TakeUnitsOneByOne(units, is_plain);
  }
  position_ += units;
  return text;
}

TextChunk Reader::StringChunk() {
  TextChunk chunk;
  const uint8_t tag = Take();
  uint32_t units = tag;
  if (InRange(tag, 0x30, 0x33)) {
    units = (uint32_t{tag} - 0x30) << 8 | Take();
  } else if (tag == kStringChunk || tag == kStringFinal) {
    units = static_cast<uint32_t>(BigEndian(2));
    chunk.is_last = tag == kStringFinal;
  } else if (tag > kLastStringOfOneByte) {
    Fail();
  }
  chunk.bytes = TakeUnits(units, chunk.is_plain);
  return chunk;
}

// Nearly every string of a request has one of the short forms.
Text Reader::String() {
  const Bytes rest = message_.subspan(position_);
  if (failed_ || rest.size() < 2) {
    return AnyString();
  }
  const uint8_t tag = rest[0];
  const size_t head_bytes = tag <= kLastStringOfOneByte ? 1 : 2;
  const uint32_t units = tag <= kLastStringOfOneByte ? tag : (uint32_t{tag} - 0x30) << 8 | rest[1];
  if ((tag > kLastStringOfOneByte && !InRange(tag, 0x30, 0x33)) || units > rest.size() - head_bytes ||
      !IsAscii(AsText(rest.subspan(head_bytes, units)))) {
    return AnyString();
  }
  position_ += head_bytes + units;
  return {.form = Text::Form::kPlain, .bytes = units, .at = position_ - units};
}

Text Reader::AnyString() {
  const size_t at = position_;
  if (TakeIf(kNull)) {
    return {};
  }
  TextChunk chunk = StringChunk();
  if (chunk.is_last && chunk.is_plain) {
    const auto bytes = static_cast<uint32_t>(chunk.bytes.size());
    return {.form = Text::Form::kPlain, .bytes = bytes, .at = position_ - bytes};
  }
  while (!chunk.is_last && !failed_) {
    chunk = StringChunk();
  }
  return {.form = Text::Form::kEncoded, .at = at};
}

int64_t Reader::Integer() {
  const uint8_t tag = Take();
  const int width = IntWidth(tag) >= 0 ? IntWidth(tag) : LongWidth(tag);
  if (failed_ || width < 0) {
    Fail();
    return 0;
  }
  const uint64_t low = BigEndian(static_cast<size_t>(width));
  switch (width) {
    case 8:
      return static_cast<int64_t>(low);
    case 4:
      return static_cast<int32_t>(low);
    default:
      return (int64_t{tag} - ShortFormZero(tag)) * (int64_t{1} << (8 * width)) + static_cast<int64_t>(low);
  }
}

uint32_t Reader::Index() {
  const int64_t index = IntWidth(Peek().value_or(kEnd)) >= 0 ? Integer() : -1;
  if (failed_ || index < 0) {
    Fail();
    return 0;
  }
  return static_cast<uint32_t>(index);
}

// A number of values that follow. Each takes at least a byte, so a larger number than bytes left is a lie.
uint32_t Reader::Count() {
  const uint32_t count = Index();
  if (count > message_.size() - position_) {
    Fail();
    return 0;
  }
  return count;
}

void Reader::SkipBinary(uint8_t tag) {
  while (!failed_ && tag == kBinaryChunk) {
    Skip(BigEndian(2));
    tag = Take();
  }
  if (InRange(tag, 0x20, 0x2f)) {
    Skip(tag - 0x20U);
  } else if (InRange(tag, 0x34, 0x37)) {
    Skip((tag - 0x34U) << 8 | Take());
  } else if (tag == kBinaryFinal) {
    Skip(BigEndian(2));
  } else {
    Fail();
  }
}

void Reader::SkipType() {
  if (IsString(Peek().value_or(kEnd))) {
    String();
  } else if (IntWidth(Peek().value_or(kEnd)) >= 0) {
    Integer();
  } else {
    Fail();
  }
}

// The class name, the number of fields, the name of each. Only the number matters to whoever steps over instances.
void Reader::ReadClassDefinition() {
  String();
  const uint32_t fields = Count();
  if (fields > UINT16_MAX || class_definitions_ == kMaxClassDefinitions) {
    Fail();
  }
  for (uint32_t i = 0; i < fields && !failed_; ++i) {
    String();
  }
  if (!failed_) {
    field_counts_[class_definitions_++] = static_cast<uint16_t>(fields);
  }
}

void Reader::BeginCounted(uint32_t count, Stack& stack) {
  if (!stack.Push({.kind = Stack::Level::Kind::kCounted, .at_value = false, .left = count})) {
    Fail();
  }
}

void Reader::BeginObject(size_t definition, Stack& stack) {
  if (failed_ || definition >= class_definitions_) {
    Fail();
    return;
  }
  BeginCounted(field_counts_[definition], stack);
}

void Reader::BeginContainer(uint8_t tag, Stack& stack) {
  const bool is_typed = tag == kTypedMap || tag == kTypedList || tag == kTypedListToEnd || InRange(tag, 0x70, 0x77);
  if (is_typed) {
    SkipType();
  }
  if (tag == kTypedList || tag == kList) {
    BeginCounted(Count(), stack);
  } else if (InRange(tag, 0x70, 0x7f)) {
    BeginCounted(tag & 0x07, stack);
  } else {
    const bool is_map = tag == kTypedMap || tag == kUntypedMap;
    const auto kind = is_map ? Stack::Level::Kind::kPairs : Stack::Level::Kind::kValues;
    if (!stack.Push({.kind = kind, .at_value = false, .left = 0})) {
      Fail();
    }
  }
}

void Reader::SkipScalarOrBegin(uint8_t tag, Stack& stack) {
  if (IsString(tag)) {
    --position_;
    String();
  } else if (const int width = ScalarWidth(tag); width >= 0) {
    Skip(static_cast<size_t>(width));
  } else if (IsBinary(tag)) {
    SkipBinary(tag);
  } else if (tag == kRef) {
    Index();
  } else if (InRange(tag, 0x60, 0x6f)) {
    BeginObject(tag - 0x60U, stack);
  } else if (tag == kObject) {
    BeginObject(Index(), stack);
  } else if (InRange(tag, 0x70, 0x7f) || InRange(tag, kTypedListToEnd, kList) || tag == kTypedMap ||
             tag == kUntypedMap) {
    BeginContainer(tag, stack);
  } else {
    Fail();
  }
}

bool Reader::SkipValue() {
  if (IsString(Peek().value_or(kEnd)) && items_ < kMaxItems) {  // as most attachments are
    ++items_;
    String();
    return !failed_;
  }
  Stack stack;
  while (!failed_) {
    if (++items_ > kMaxItems) {
      Fail();
      break;
    }
    const uint8_t tag = Take();
    if (failed_) {
      break;
    }
    if (tag == kClassDefinition) {
      ReadClassDefinition();
      continue;
    }
    SkipScalarOrBegin(tag, stack);
    while (!stack.empty() && stack.top().IsDone(*this)) {
      stack.Pop();
    }
    if (stack.empty()) {
      break;
    }
    stack.top().BeginNext();
  }
  return !failed_;
}

}  // namespace rpctee::protocol::dubbo::hessian2
