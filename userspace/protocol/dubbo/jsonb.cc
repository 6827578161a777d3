#include "protocol/dubbo/jsonb.h"

#include <array>

namespace rpctee::protocol::dubbo::jsonb {
namespace {

constexpr uint8_t kChar = 0x90;
constexpr uint8_t kReference = 0x93;
constexpr uint8_t kShortArray = 0x94;  // of none to 15 values
constexpr uint8_t kArray = 0xa4;
constexpr uint8_t kLocalTime = 0xa7;
constexpr uint8_t kLocalDateTime = 0xa8;
constexpr uint8_t kZonedDateTime = 0xaa;
constexpr uint8_t kInstant = 0xae;
constexpr uint8_t kDoubleAsLong = 0xb4;
constexpr uint8_t kFloatAsInt = 0xb6;
constexpr uint8_t kDecimalAsLong = 0xb8;
constexpr uint8_t kDecimal = 0xb9;
constexpr uint8_t kBigIntegerAsLong = 0xba;
constexpr uint8_t kBigInteger = 0xbb;
constexpr uint8_t kShortString = 0x49;  // of none to 47 bytes
constexpr uint8_t kString = 0x79;
constexpr uint8_t kUtf8String = 0x7a;
constexpr uint8_t kUtf16String = 0x7b;
constexpr uint8_t kUtf16LittleEndianString = 0x7c;
constexpr uint8_t kUtf16BigEndianString = 0x7d;
constexpr uint8_t kSymbol = 0x7f;

constexpr bool InRange(uint8_t tag, uint8_t first, uint8_t last) { return tag >= first && tag <= last; }

// The short forms of integers: a range of type bytes for the high bits, the rest behind. `zero` stands for 0.
struct ShortForm {
  uint8_t first;
  uint8_t last;
  uint8_t zero;
  int width;  // bytes behind the type byte
};
constexpr ShortForm kShortForms[] = {
    {0x00, 0x2f, 0x00, 0}, {0x30, 0x3f, 0x38, 1}, {0x40, 0x47, 0x44, 2},  // int
    {0xc0, 0xc7, 0xc4, 2}, {0xc8, 0xd7, 0xd0, 1}, {0xd8, 0xef, 0xe0, 0},  // long
};

const ShortForm* ShortFormOf(uint8_t tag) {
  for (const ShortForm& form : kShortForms) {
    if (InRange(tag, form.first, form.last)) {
      return &form;
    }
  }
  return nullptr;
}

// Bytes behind the type byte of an integer in full width; -1 for anything else.
constexpr int FullWidth(uint8_t tag) {
  switch (tag) {
    case 0xbd:
      return 1;
    case 0xbc:
      return 2;
    case 0x48:
    case 0xbf:
      return 4;
    case 0xbe:
      return 8;
    default:
      return -1;
  }
}

// Bytes behind the type byte of values whose width it tells; -1 for others.
constexpr int ScalarWidth(uint8_t tag) {
  switch (tag) {
    case kNull:
    case kFalse:
    case kTrue:
    case 0xb2:  // 0.0
    case 0xb3:  // 1.0
      return 0;
    case 0xa9:  // date
    case 0xac:  // seconds
    case 0xad:  // minutes
    case 0xb7:  // float
      return 4;
    case 0xab:  // milliseconds
    case 0xb5:  // double
      return 8;
    default:
      return -1;
  }
}

int64_t SignExtended(uint64_t value, int width) {
  const int unused = 64 - 8 * width;
  return static_cast<int64_t>(value << unused) >> unused;
}

}  // namespace

bool IsInteger(uint8_t tag) { return tag >= 0xf0 || ShortFormOf(tag) != nullptr || FullWidth(tag) >= 0; }

// The containers that are open, innermost last. Its storage is left as it is until a level is begun.
class Reader::Stack {
 public:
  struct Level {
    bool is_object;
    bool at_value;  // of a member of an object
    uint32_t left;  // values of an array still to come

    bool IsDone(Reader& reader) const { return is_object ? !at_value && reader.TakeIf(kObjectEnd) : left == 0; }
    void BeginNext() {
      at_value = is_object && !at_value;
      left -= is_object ? 0 : 1;
    }
  };

  bool empty() const { return depth_ == 0; }
  Level& top() { return levels_[depth_ - 1]; }
  void Pop() { --depth_; }
  bool Push(bool is_object, uint32_t left) {
    if (depth_ == kMaxDepth) {
      return false;
    }
    levels_[depth_++] = {.is_object = is_object, .at_value = false, .left = left};
    return true;
  }

 private:
  size_t depth_ = 0;
  std::array<Level, kMaxDepth> levels_;
};

std::optional<uint8_t> Reader::Peek() const {
  if (failed_ || position_ >= object_.size()) {
    return std::nullopt;
  }
  return object_[position_];
}

bool Reader::TakeIf(uint8_t tag) {
  if (Peek() != tag) {
    return false;
  }
  ++position_;
  return true;
}

uint8_t Reader::Take() { return static_cast<uint8_t>(BigEndian(1)); }

uint64_t Reader::BigEndian(size_t width) {
  if (failed_ || width > object_.size() - position_) {
    Fail();
    return 0;
  }
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) {
    value = (value << 8) | object_[position_++];
  }
  return value;
}

void Reader::Skip(size_t count) {
  if (failed_ || count > object_.size() - position_) {
    Fail();
    return;
  }
  position_ += count;
}

int64_t Reader::Integer() {
  const uint8_t tag = Take();
  if (failed_ || !IsInteger(tag)) {
    Fail();
    return 0;
  }
  if (tag >= 0xf0) {
    return int64_t{tag} - 0x100;
  }
  if (const ShortForm* form = ShortFormOf(tag)) {
    const auto low = static_cast<int64_t>(BigEndian(static_cast<size_t>(form->width)));
    return (int64_t{tag} - form->zero) * (int64_t{1} << (8 * form->width)) + low;
  }
  return SignExtended(BigEndian(static_cast<size_t>(FullWidth(tag))), FullWidth(tag));
}

// A number of bytes or values that follow. Each value takes at least a byte, so a larger number than bytes left is a
// lie.
uint32_t Reader::Length() {
  const int64_t length = Integer();
  if (failed_ || length < 0 || static_cast<uint64_t>(length) > object_.size() - position_) {
    Fail();
    return 0;
  }
  return static_cast<uint32_t>(length);
}

Text Reader::String() {
  const uint8_t tag = Take();
  if (failed_ || !IsString(tag)) {
    Fail();
    return {};
  }
  const size_t length = tag < kString ? size_t{tag} - kShortString : Length();
  const size_t begin = position_;
  Skip(length);
  Text text{.bytes = failed_ ? std::string_view() : AsText(object_.subspan(begin, length)), .encoding = std::nullopt};
  if (tag <= kString) {
    text.encoding = Encoding::kLatin1;
  } else if (tag == kUtf8String) {
    text.encoding = Encoding::kUtf8;
  } else if (tag == kUtf16LittleEndianString) {
    text.encoding = Encoding::kUtf16LittleEndian;
  } else if (tag == kUtf16BigEndianString) {
    text.encoding = Encoding::kUtf16BigEndian;
  } else if (tag == kUtf16String) {
    // Which it is says a mark in front; without one it is big endian.
    const bool is_little = text.bytes.starts_with("\xff\xfe");
    text.bytes.remove_prefix(is_little || text.bytes.starts_with("\xfe\xff") ? 2 : 0);
    text.encoding = is_little ? Encoding::kUtf16LittleEndian : Encoding::kUtf16BigEndian;
  }
  return text;
}

Text Reader::Name() {
  const bool is_numbered = TakeIf(kSymbol);
  const Text name = String();
  if (is_numbered) {
    (void)Integer();
  }
  return name;
}

// What stands behind the type byte of a symbol: text and the number that it is given, or a number given before.
void Reader::SkipSymbol() {
  if (IsString(Peek().value_or(kNull))) {
    (void)String();
  }
  (void)Integer();
}

void Reader::SkipType() {
  (void)TakeIf(kSymbol);
  SkipSymbol();
}

void Reader::SkipTime(uint8_t tag) {
  if (tag == kInstant) {
    (void)Integer();
  } else {
    Skip(tag == kLocalTime ? 3 : 7);
  }
  (void)Integer();  // nanoseconds
  if (tag == kZonedDateTime) {
    (void)String();
  }
}

// Numbers that are written as others.
void Reader::SkipNumber(uint8_t tag) {
  if (tag == kDecimal) {
    (void)Integer();  // digits behind the point
    if (TakeIf(kBigInteger)) {
      Skip(Length());
      return;
    }
    (void)TakeIf(kBigIntegerAsLong);
  }
  (void)Integer();
}

void Reader::SkipScalarOrBegin(uint8_t tag, Stack& stack) {
  if (const int width = ScalarWidth(tag); width >= 0) {
    Skip(static_cast<size_t>(width));
  } else if (IsString(tag)) {
    --position_;
    (void)String();
  } else if (IsInteger(tag)) {
    --position_;
    (void)Integer();
  } else if (InRange(tag, kShortArray, kArray)) {
    const uint32_t values = tag == kArray ? Length() : uint32_t{tag} - kShortArray;
    failed_ = failed_ || !stack.Push(/*is_object=*/false, values);
  } else if (tag == kObject) {
    failed_ = failed_ || !stack.Push(/*is_object=*/true, 0);
  } else if (tag == kBinary || tag == kBigInteger) {
    Skip(Length());
  } else if (tag == kSymbol) {
    SkipSymbol();
  } else if (tag == kReference) {
    (void)Name();
  } else if (tag == kLocalTime || tag == kLocalDateTime || tag == kZonedDateTime || tag == kInstant) {
    SkipTime(tag);
  } else if (tag == kChar || tag == kDoubleAsLong || tag == kFloatAsInt || tag == kDecimalAsLong || tag == kDecimal ||
             tag == kBigIntegerAsLong) {
    SkipNumber(tag);
  } else {
    Fail();
  }
}

bool Reader::SkipValue() {
  Stack stack;
  for (uint32_t items = 0; !failed_; ++items) {
    const uint8_t tag = Take();
    if (failed_ || items == kMaxItems) {
      Fail();
      break;
    }
    if (tag == kTyped) {
      SkipType();
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

}  // namespace rpctee::protocol::dubbo::jsonb
