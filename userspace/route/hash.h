// The hash by which rpctee decides about keys: which are sampled, and where on a ring they are.
//
// Published in docs/routes.md, since every node and every version must come to the same decision: FNV-1a of 64 bits,
// its bits then mixed as the last step of SplitMix64 does. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace rpctee::route {

constexpr uint64_t Mix(uint64_t value) {
  value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
  value = (value ^ value >> 27) * 0x94d049bb133111eb;
  return value ^ value >> 31;
}

constexpr uint64_t Hash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3;
  }
  return Mix(hash);
}

// What stands for the kernel's draw where requests are sampled by a key.
constexpr uint32_t KeyedDraw(std::string_view key) { return static_cast<uint32_t>(Hash(key) >> 32); }

}  // namespace rpctee::route
