// What both ends count about contents: a digest that does not depend on order, and a window that finds repeated ids.
// One thread; plain values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"

namespace rpctee::sample {

inline uint64_t Hash64(std::string_view text) {
  constexpr uint64_t kMultiplier = 0x9fb21c651e98df25ULL;
  uint64_t hash = 0x243f6a8885a308d3ULL ^ (text.size() * kMultiplier);
  const auto mix = [&hash](uint64_t word) {
    hash = (hash ^ word) * kMultiplier;
    hash ^= hash >> 32;
  };
  for (; !text.empty(); text.remove_prefix(std::min<size_t>(8, text.size()))) {
    uint64_t word = 0;
    std::memcpy(&word, text.data(), std::min<size_t>(8, text.size()));
    mix(word);
  }
  mix(hash >> 29);
  return hash;
}

// The sum of the hashes of all arguments: two programs that saw the same arguments, in any order, have the same sum.
class Digest {
 public:
  void Add(std::string_view argument) { sum_ += Hash64(argument); }
  std::string ToString() const { return fmt::format("{:016x}", sum_); }

 private:
  uint64_t sum_ = 0;
};

// Finds ids that come twice on one connection, among the last 65,536 values below the highest one.
class IdWindow {
 public:
  IdWindow() : bits_(kIds / 64) {}

  // True when the id was seen before.
  bool Seen(uint64_t id) {
    if (!started_ || static_cast<int64_t>(id - highest_) > 0) {
      const uint64_t steps = started_ ? id - highest_ : kIds;
      for (uint64_t i = 0; i < steps && i < kIds; ++i) {
        Word(id - i) &= ~Bit(id - i);
      }
      highest_ = id;
      started_ = true;
    } else if (highest_ - id >= kIds) {
      return false;  // too old to tell
    }
    const bool seen = (Word(id) & Bit(id)) != 0;
    Word(id) |= Bit(id);
    return seen;
  }

 private:
  static constexpr uint64_t kIds = 65'536;
  uint64_t& Word(uint64_t id) { return bits_[(id % kIds) / 64]; }
  static uint64_t Bit(uint64_t id) { return uint64_t{1} << (id % 64); }

  bool started_ = false;
  uint64_t highest_ = 0;
  std::vector<uint64_t> bits_;
};

}  // namespace rpctee::sample
