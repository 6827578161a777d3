// Frames for the tests of this folder: real ones from data/*.hex, and ones put together by hand.
#pragma once

#include <cctype>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"
#include "support/source_dir.h"

namespace rpctee::test {

inline std::vector<uint8_t> FromHex(std::string_view text) {
  std::vector<uint8_t> bytes;
  std::string digits;
  for (const char c : text) {
    if (std::isxdigit(static_cast<unsigned char>(c)) != 0) {
      digits += c;
    }
    if (digits.size() == 2) {
      bytes.push_back(static_cast<uint8_t>(std::stoul(digits, nullptr, 16)));
      digits.clear();
    }
  }
  return bytes;
}

// data/<name>.hex: lines of hexadecimal digits; a line that begins with # says where the frame comes from.
inline std::vector<uint8_t> RealFrame(const std::string& name) {
  std::ifstream file(SourceDir() + "/tests/unit/protocol/data/" + name + ".hex");
  std::string digits;
  for (std::string line; std::getline(file, line);) {
    digits += line.starts_with('#') ? "" : line;
  }
  if (digits.empty()) {
    throw std::runtime_error("no such frame: " + name);
  }
  return FromHex(digits);
}

// Hessian2 bytes, written one after another.
class Hessian2 {
 public:
  Hessian2& Raw(std::string_view hex) {
    const std::vector<uint8_t> more = FromHex(hex);
    bytes_.insert(bytes_.end(), more.begin(), more.end());
    return *this;
  }
  // ASCII, final form with a two-byte length.
  Hessian2& String(std::string_view text) { return Chunk(0x53, text); }
  Hessian2& Chunk(std::string_view text) { return Chunk(0x52, text); }
  Hessian2& Byte(uint8_t byte, size_t times = 1) {
    bytes_.insert(bytes_.end(), times, byte);
    return *this;
  }
  // The five strings in front of the arguments.
  Hessian2& Prefix(std::string_view method, std::string_view descriptor) {
    return String("2.0.2").String("org.Demo").String("1.0.0").String(method).String(descriptor);
  }

  const std::vector<uint8_t>& bytes() const { return bytes_; }
  // A two-way request with these bytes as body.
  std::vector<uint8_t> Request(uint8_t flags = 0xc2) const {
    std::vector<uint8_t> frame = {0xda, 0xbb, flags, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    for (int shift = 24; shift >= 0; shift -= 8) {
      frame.push_back(static_cast<uint8_t>(bytes_.size() >> shift));
    }
    frame.insert(frame.end(), bytes_.begin(), bytes_.end());
    return frame;
  }

 private:
  Hessian2& Chunk(uint8_t tag, std::string_view text) {
    Byte(tag).Byte(static_cast<uint8_t>(text.size() >> 8)).Byte(static_cast<uint8_t>(text.size()));
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    return *this;
  }

  std::vector<uint8_t> bytes_;
};

}  // namespace rpctee::test
