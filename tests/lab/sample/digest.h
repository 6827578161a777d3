// What both ends count about contents: a digest that does not depend on order, and a memory that finds repeated ids.
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

// Finds ids that come twice on one connection, as long as few others came between: the last id of each hash is kept.
class RecentIds {
 public:
  // True when the id was seen before.
  bool Seen(uint64_t id) {
    uint64_t& last = last_[((id * 0x9e3779b97f4a7c15ULL) >> 32) % last_.size()];
    const bool seen = last == id + 1;
    last = id + 1;  // so that 0 means none
    return seen;
  }

 private:
  std::vector<uint64_t> last_ = std::vector<uint64_t>(8192);
};

}  // namespace rpctee::sample
