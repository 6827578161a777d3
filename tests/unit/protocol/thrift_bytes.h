// Thrift messages put together by hand, field by field, in either encoding.
//
// Written here a second time on purpose, independent of userspace/protocol.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "unit/protocol/vectors.h"

namespace rpctee::test {

// Types as binary encoding numbers them.
enum class ThriftType : uint8_t {
  kBool = 2,
  kByte = 3,
  kDouble = 4,
  kI16 = 6,
  kI32 = 8,
  kI64 = 10,
  kString = 11,
  kStruct = 12,
  kMap = 13,
  kSet = 14,
  kList = 15,
  kUuid = 16,
};

class ThriftBytes {
 public:
  explicit ThriftBytes(bool is_compact = false) : is_compact_(is_compact) {}

  ThriftBytes& Raw(std::string_view hex) {
    const std::vector<uint8_t> more = FromHex(hex);
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  ThriftBytes& Byte(uint8_t byte, size_t times = 1) {
    bytes_.insert(bytes_.end(), times, byte);
    return *this;
  }
  ThriftBytes& Append(const std::vector<uint8_t>& more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  ThriftBytes& Number(uint64_t value, int bytes) {
    for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
      Byte(static_cast<uint8_t>(value >> shift));
    }
    return *this;
  }
  ThriftBytes& Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
      Byte(static_cast<uint8_t>(value | 0x80));
    }
    return Byte(static_cast<uint8_t>(value));
  }
  ThriftBytes& Text(std::string_view text) {
    is_compact_ ? Varint(text.size()) : Number(text.size(), 4);
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return *this;
  }
  ThriftBytes& Header(std::string_view name, uint8_t type = 1, uint32_t id = 0) {
    if (is_compact_) {
      return Byte(0x82).Byte(static_cast<uint8_t>(type << 5 | 1)).Varint(id).Text(name);
    }
    return Raw("800100").Byte(type).Text(name).Number(id, 4);
  }
  // A field; ids must rise. In compact encoding a bool's value is part of this.
  ThriftBytes& Field(ThriftType type, uint16_t id, uint16_t last_id, bool truth = false) {
    if (!is_compact_) {
      return Byte(static_cast<uint8_t>(type)).Number(id, 2);
    }
    const uint8_t code = type == ThriftType::kBool ? (truth ? 1 : 2) : CompactCode(type);
    const int delta = id - last_id;
    return delta <= 15 ? Byte(static_cast<uint8_t>(delta << 4 | code)) : Byte(code).Varint(uint64_t{id} << 1);
  }
  ThriftBytes& ListHead(ThriftType element, uint32_t count) {
    if (!is_compact_) {
      return Byte(static_cast<uint8_t>(element)).Number(count, 4);
    }
    const uint8_t code = CompactCode(element);
    return count < 15 ? Byte(static_cast<uint8_t>(count << 4 | code)) : Byte(0xf0 | code).Varint(count);
  }
  ThriftBytes& MapHead(ThriftType key, ThriftType value, uint32_t count) {
    if (!is_compact_) {
      return Byte(static_cast<uint8_t>(key)).Byte(static_cast<uint8_t>(value)).Number(count, 4);
    }
    return count == 0 ? Byte(0) : Varint(count).Byte(static_cast<uint8_t>(CompactCode(key) << 4 | CompactCode(value)));
  }
  ThriftBytes& Stop() { return Byte(0); }

  bool is_compact() const { return is_compact_; }
  const std::vector<uint8_t>& bytes() const { return bytes_; }
  // With the length in front.
  std::vector<uint8_t> Framed() const { return ThriftBytes().Number(bytes_.size(), 4).Append(bytes_).bytes(); }
  // In a THeader whose variable part is given, to be filled up with zeros.
  std::vector<uint8_t> InHeader(std::vector<uint8_t> part, uint32_t id = 0) const {
    part.resize((part.size() + 3) / 4 * 4);
    return ThriftBytes().Raw("0fff0000").Number(id, 4).Number(part.size() / 4, 2).Append(part).Append(bytes_).Framed();
  }

 private:
  static uint8_t CompactCode(ThriftType type) {
    constexpr uint8_t kCodes[] = {0, 0, 2, 3, 7, 0, 4, 0, 5, 0, 6, 8, 12, 11, 10, 9, 13};
    return kCodes[static_cast<size_t>(type)];
  }

  bool is_compact_;
  std::vector<uint8_t> bytes_;
};

// Writes values of any type with anything in them, nested up to a depth.
class RandomThrift {
 public:
  explicit RandomThrift(uint32_t seed) : random_(seed) {}

  std::vector<uint8_t> Message(bool is_compact) {
    ThriftBytes out(is_compact);
    out.Header(std::string(Below(40), 'm'), static_cast<uint8_t>(1 + Below(4)), static_cast<uint32_t>(random_()));
    Struct(out, 4);
    return out.bytes();
  }

 private:
  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
  // Without nested values where the depth is used up.
  ThriftType AnyType(int depth) {
    using enum ThriftType;
    constexpr ThriftType kTypes[] = {kBool,   kByte, kDouble, kI16, kI32, kI64,
                                     kString, kUuid, kStruct, kMap, kSet, kList};
    return kTypes[Below(depth > 0 ? 12 : 8)];
  }
  void Struct(ThriftBytes& out, int depth) {
    uint16_t last_id = 0;
    for (uint32_t fields = Below(5); fields > 0; --fields) {
      const auto id = static_cast<uint16_t>(last_id + 1 + Below(20));
      const ThriftType type = AnyType(depth);
      out.Field(type, id, last_id, Below(2) == 0);
      last_id = id;
      if (type != ThriftType::kBool || !out.is_compact()) {
        Value(out, type, depth - 1);
      }
    }
    out.Stop();
  }
  void Integer(ThriftBytes& out, int bytes) {
    const uint64_t value = random_() >> Below(64);
    if (out.is_compact()) {
      out.Varint(bytes == 8 ? value : value & ((uint64_t{1} << (8 * bytes)) - 1));
    } else {
      out.Number(value, bytes);
    }
  }
  uint32_t AnyCount() { return Below(4) == 0 ? Below(40) : Below(4); }
  void Value(ThriftBytes& out, ThriftType type, int depth) {
    switch (type) {
      case ThriftType::kBool:
      case ThriftType::kByte:
        out.Number(random_(), 1);
        break;
      case ThriftType::kI16:
        Integer(out, 2);
        break;
      case ThriftType::kI32:
        Integer(out, 4);
        break;
      case ThriftType::kI64:
        Integer(out, 8);
        break;
      case ThriftType::kDouble:
        out.Number(random_(), 8);
        break;
      case ThriftType::kUuid:
        out.Number(random_(), 8).Number(random_(), 8);
        break;
      case ThriftType::kString:
        out.Text(std::string(Below(8) == 0 ? Below(300) : Below(4), '\0'));
        break;
      case ThriftType::kStruct:
        Struct(out, depth);
        break;
      case ThriftType::kSet:
      case ThriftType::kList:
        List(out, depth);
        break;
      case ThriftType::kMap:
        Map(out, depth);
        break;
    }
  }
  void List(ThriftBytes& out, int depth) {
    const ThriftType element = AnyType(depth);
    const uint32_t count = AnyCount();
    out.ListHead(element, count);
    for (uint32_t i = 0; i < count; ++i) {
      Value(out, element, depth - 1);
    }
  }
  void Map(ThriftBytes& out, int depth) {
    const ThriftType key = AnyType(depth);
    const ThriftType value = AnyType(depth);
    const uint32_t count = AnyCount();
    out.MapHead(key, value, count);
    for (uint32_t i = 0; i < count; ++i) {
      Value(out, key, depth - 1);
      Value(out, value, depth - 1);
    }
  }

  std::mt19937_64 random_;
};

}  // namespace rpctee::test
