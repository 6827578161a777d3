// Hashes that are the same on every node and in every version: FNV-1a of 64 bits, and the last step of SplitMix64.
//
// Requests that belong together must be treated alike everywhere; docs/routes.md publishes what is made of these.
// Plain values; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/byte_reader.h"

namespace rpctee {

// Every bit of the result depends on every bit of the value. Only 0 becomes 0.
constexpr uint64_t Mix(uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

class Fnv1a {
 public:
  // A byte; or what is none, to mark an end.
  constexpr void Add(uint64_t unit) { value_ = (value_ ^ unit) * 0x100000001b3; }
  constexpr void Add(Bytes bytes) {
    for (const uint8_t byte : bytes) {
      Add(uint64_t{byte});
    }
  }
  constexpr void Add(std::string_view text) {
    for (const char c : text) {
      Add(uint64_t{static_cast<uint8_t>(c)});
    }
  }
  constexpr uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325;
};

}  // namespace rpctee
