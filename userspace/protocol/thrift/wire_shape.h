// How the bytes of a value look, by the type byte in front of it.
//
// Pure functions of one byte. thrift-binary-protocol.md and thrift-compact-protocol.md of Apache Thrift.
#pragma once

#include <cstdint>

#include "protocol/thrift/message_header.h"

namespace rpctee::protocol::thrift {

// Those of a fixed width come first, each twice as wide as the one before. All fit into four bits.
enum class Shape : uint8_t {
  kNothing,  // the type byte was the value
  kOneByte,
  kTwoBytes,
  kFourBytes,
  kEightBytes,
  kSixteenBytes,
  kVarint,
  kText,  // a length, and so many bytes
  kStruct,
  kList,  // sets too
  kMap,
  kUnknown,
};

constexpr bool HasFixedWidth(Shape shape) { return shape <= Shape::kSixteenBytes; }
constexpr uint64_t WidthOf(Shape shape) { return uint64_t{1} << static_cast<unsigned>(shape) >> 1; }
static_assert(WidthOf(Shape::kNothing) == 0 && WidthOf(Shape::kOneByte) == 1 && WidthOf(Shape::kSixteenBytes) == 16);

constexpr Shape BinaryShape(uint8_t type) {
  switch (type) {
    case 2:  // bool
    case 3:  // byte
      return Shape::kOneByte;
    case 4:  // double
      return Shape::kEightBytes;
    case 6:  // i16
      return Shape::kTwoBytes;
    case 8:  // i32
      return Shape::kFourBytes;
    case 10:  // i64
      return Shape::kEightBytes;
    case 11:
      return Shape::kText;
    case 12:
      return Shape::kStruct;
    case 13:
      return Shape::kMap;
    case 14:  // set
    case 15:
      return Shape::kList;
    case 16:  // uuid
      return Shape::kSixteenBytes;
    default:
      return Shape::kUnknown;
  }
}

constexpr Shape CompactElementShape(uint8_t type) {
  switch (type & 0x0f) {
    case 1:  // bool, as some write it
    case 2:  // bool
    case 3:  // byte
      return Shape::kOneByte;
    case 4:  // i16
    case 5:  // i32
    case 6:  // i64
      return Shape::kVarint;
    case 7:  // double
      return Shape::kEightBytes;
    case 8:
      return Shape::kText;
    case 9:
    case 10:  // set
      return Shape::kList;
    case 11:
      return Shape::kMap;
    case 12:
      return Shape::kStruct;
    case 13:  // uuid
      return Shape::kSixteenBytes;
    default:
      return Shape::kUnknown;
  }
}

// Compact encoding keeps something else in the upper half of a type's byte.
constexpr uint8_t CompactUpperHalf(uint8_t byte) { return byte >> 4; }

// The type that ends a struct.
constexpr bool IsStop(Encoding encoding, uint8_t type) {
  return (encoding == Encoding::kBinary ? type : type & 0x0f) == 0;
}

// Of an element of a list or map.
constexpr Shape ElementShape(Encoding encoding, uint8_t type) {
  return encoding == Encoding::kBinary ? BinaryShape(type) : CompactElementShape(type);
}

// Of a field: in compact encoding true and false are types of their own.
constexpr Shape FieldShape(Encoding encoding, uint8_t type) {
  const uint8_t low = type & 0x0f;
  const bool is_compact_bool = encoding == Encoding::kCompact && (low == 1 || low == 2);
  return is_compact_bool ? Shape::kNothing : ElementShape(encoding, type);
}

}  // namespace rpctee::protocol::thrift
