// Checked reads from bytes that came off a wire. Never reads past the end, never throws, never allocates.
//
// A read past the end returns zero or an empty view and sets failed(); callers check once, at the end of a step. From
// then on nothing remains and every further read fails, so that a loop over remaining() ends.
// Any thread; owns nothing, the bytes must outlive it.
#pragma once

#include <endian.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace rpctee {

using Bytes = std::span<const uint8_t>;

class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  size_t position() const { return position_; }
  size_t remaining() const { return failed_ ? 0 : bytes_.size() - position_; }
  bool failed() const { return failed_; }

  uint8_t Peek() {
    if (remaining() < 1) {
      failed_ = true;
      return 0;
    }
    return bytes_[position_];
  }
  uint8_t U8() {
    const uint8_t value = Peek();
    position_ += failed_ ? 0 : 1;
    return value;
  }
  uint16_t Be16() { return be16toh(Raw<uint16_t>()); }
  uint32_t Be32() { return be32toh(Raw<uint32_t>()); }
  uint64_t Be64() { return be64toh(Raw<uint64_t>()); }

  Bytes Take(size_t count) {
    if (count > remaining()) {
      failed_ = true;
      return {};
    }
    const Bytes view = bytes_.subspan(position_, count);
    position_ += count;
    return view;
  }
  void Skip(size_t count) { (void)Take(count); }

 private:
  template <typename T>
  T Raw() {
    T value = 0;
    if (const Bytes bytes = Take(sizeof(value)); !bytes.empty()) {
      std::memcpy(&value, bytes.data(), sizeof(value));
    }
    return value;
  }

  Bytes bytes_;
  size_t position_ = 0;
  bool failed_ = false;
};

inline Bytes AsBytes(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }
inline std::string_view AsText(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace rpctee
