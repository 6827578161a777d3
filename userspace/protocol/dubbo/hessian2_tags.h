// The type bytes of Hessian 2.0, and what each says about the bytes behind it.
//
// Hessian 2.0 as Apache Dubbo's hessian-lite writes it. Pure functions of one byte.
#pragma once

#include <cstdint>

namespace rpctee::protocol::dubbo::hessian2 {

inline constexpr uint8_t kNull = 0x4e;
inline constexpr uint8_t kTrue = 0x54;
inline constexpr uint8_t kFalse = 0x46;
inline constexpr uint8_t kUntypedMap = 0x48;
inline constexpr uint8_t kTypedMap = 0x4d;
inline constexpr uint8_t kEnd = 0x5a;
inline constexpr uint8_t kLastStringOfOneByte = 0x1f;  // the type byte is the length
inline constexpr uint8_t kStringChunk = 0x52;
inline constexpr uint8_t kStringFinal = 0x53;
inline constexpr uint8_t kBinaryChunk = 0x41;
inline constexpr uint8_t kBinaryFinal = 0x42;
inline constexpr uint8_t kClassDefinition = 0x43;
inline constexpr uint8_t kObject = 0x4f;
inline constexpr uint8_t kRef = 0x51;
inline constexpr uint8_t kTypedListToEnd = 0x55;
inline constexpr uint8_t kTypedList = 0x56;
inline constexpr uint8_t kListToEnd = 0x57;
inline constexpr uint8_t kList = 0x58;

constexpr bool InRange(uint8_t tag, uint8_t first, uint8_t last) { return tag >= first && tag <= last; }

constexpr bool IsBinary(uint8_t tag) {
  return InRange(tag, 0x20, 0x2f) || InRange(tag, 0x34, 0x37) || tag == kBinaryChunk || tag == kBinaryFinal;
}

// Bytes behind the type byte of an int; -1 for anything else.
constexpr int IntWidth(uint8_t tag) {
  if (InRange(tag, 0x80, 0xbf)) {
    return 0;
  }
  if (InRange(tag, 0xc0, 0xcf)) {
    return 1;
  }
  if (InRange(tag, 0xd0, 0xd7)) {
    return 2;
  }
  return tag == 0x49 ? 4 : -1;
}

constexpr int LongWidth(uint8_t tag) {
  if (InRange(tag, 0xd8, 0xef)) {
    return 0;
  }
  if (InRange(tag, 0xf0, 0xff)) {
    return 1;
  }
  if (InRange(tag, 0x38, 0x3f)) {
    return 2;
  }
  if (tag == 0x59) {
    return 4;
  }
  return tag == 0x4c ? 8 : -1;
}

// What the type byte of a short form stands for when nothing but the byte itself is counted.
constexpr int ShortFormZero(uint8_t tag) {
  if (InRange(tag, 0x80, 0xbf)) {
    return 0x90;
  }
  if (InRange(tag, 0xc0, 0xcf)) {
    return 0xc8;
  }
  if (InRange(tag, 0xd0, 0xd7)) {
    return 0xd4;
  }
  if (InRange(tag, 0xd8, 0xef)) {
    return 0xe0;
  }
  return InRange(tag, 0xf0, 0xff) ? 0xf8 : 0x3c;
}

// Bytes behind the type byte of a null, boolean, number or date; -1 for anything else.
constexpr int ScalarWidth(uint8_t tag) {
  switch (tag) {
    case kNull:
    case kTrue:
    case kFalse:
    case 0x5b:  // 0.0
    case 0x5c:  // 1.0
      return 0;
    case 0x5d:
      return 1;
    case 0x5e:
      return 2;
    case 0x5f:
    case 0x4b:  // date in minutes
      return 4;
    case 0x44:
    case 0x4a:  // date in milliseconds
      return 8;
    default:
      return IntWidth(tag) >= 0 ? IntWidth(tag) : LongWidth(tag);
  }
}

constexpr bool IsString(uint8_t tag) {
  return tag <= kLastStringOfOneByte || InRange(tag, 0x30, 0x33) || tag == kStringChunk || tag == kStringFinal;
}

// An int or a long.
constexpr bool IsInteger(uint8_t tag) { return IntWidth(tag) >= 0 || LongWidth(tag) >= 0; }

}  // namespace rpctee::protocol::dubbo::hessian2
