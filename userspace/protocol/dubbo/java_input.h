// A cursor over a Java object stream: primitive data in records of block data, and what stands between them.
//
// Java Object Serialization Specification, chapter 6 (stream protocol version 2). Never reads past the end; a read that
// fails returns zero, and every further one fails. One thread; the bytes must outlive the cursor.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/byte_reader.h"

namespace rpctee::protocol::dubbo::java {

// Type bytes of contents.
inline constexpr uint8_t kTagNull = 0x70;
inline constexpr uint8_t kTagReference = 0x71;
inline constexpr uint8_t kTagClassDescription = 0x72;
inline constexpr uint8_t kTagObject = 0x73;
inline constexpr uint8_t kTagString = 0x74;
inline constexpr uint8_t kTagArray = 0x75;
inline constexpr uint8_t kTagClass = 0x76;
inline constexpr uint8_t kTagBlockData = 0x77;
inline constexpr uint8_t kTagEndBlockData = 0x78;
inline constexpr uint8_t kTagBlockDataLong = 0x7a;
inline constexpr uint8_t kTagLongString = 0x7c;
inline constexpr uint8_t kTagProxyClassDescription = 0x7d;
inline constexpr uint8_t kTagEnum = 0x7e;

class Input {
 public:
  // Stands behind the header of a stream; failed when there is none.
  explicit Input(Bytes stream);

  size_t position() const { return position_; }
  size_t remaining() const { return failed_ ? 0 : stream_.size() - position_; }
  bool failed() const { return failed_; }
  void Fail() { failed_ = true; }

  // Primitive data. Where one record ends inside a value, the next begins.
  uint8_t BlockU8() { return static_cast<uint8_t>(Block(1)); }
  uint16_t BlockBe16() { return static_cast<uint16_t>(Block(2)); }
  uint32_t BlockBe32() { return static_cast<uint32_t>(Block(4)); }
  // A view of the stream, or of `joined` when the bytes are in several records.
  std::string_view BlockBytes(size_t count, std::string& joined);

  // Between the records. A failure inside one.
  std::optional<uint8_t> Peek() const;
  uint8_t U8() { return static_cast<uint8_t>(BigEndian(1)); }
  uint16_t Be16() { return static_cast<uint16_t>(BigEndian(2)); }
  uint32_t Be32() { return static_cast<uint32_t>(BigEndian(4)); }
  uint64_t Be64() { return BigEndian(8); }
  void Skip(uint64_t count);

 private:
  uint64_t BigEndian(size_t width);
  uint64_t Block(size_t width);
  void BeginBlock();

  Bytes stream_;
  size_t position_ = 0;
  uint32_t block_left_ = 0;  // bytes of the present record
  bool failed_ = false;
};

}  // namespace rpctee::protocol::dubbo::java
