// Takes an input apart, step by step. Bytes that are not there are zero.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/byte_reader.h"

namespace rpctee::fuzz {

class Input {
 public:
  explicit Input(Bytes bytes) : reader_(bytes) {}
  bool empty() const { return reader_.remaining() == 0; }
  uint8_t U8() { return empty() ? uint8_t{0} : reader_.U8(); }
  uint16_t U16() { return static_cast<uint16_t>(U8() << 8 | U8()); }
  uint32_t U32() { return uint32_t{U16()} << 16 | U16(); }
  Bytes Some(size_t most) { return reader_.Take(std::min(most, reader_.remaining())); }
  std::string Text(size_t most) { return std::string(AsText(Some(most))); }

 private:
  ByteReader reader_;
};

}  // namespace rpctee::fuzz
