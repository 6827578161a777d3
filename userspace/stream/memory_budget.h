// How much memory several holders may use together, and one holder's part of it.
//
// One worker thread. The budget outlives the charges, which give back what they hold when they go.
#pragma once

#include <algorithm>
#include <cstddef>

namespace rpctee::stream {

// What so many bytes take of the heap: glibc's malloc needs eight more, and gives out multiples of 16, 32 at least.
constexpr size_t HeapBytes(size_t bytes) { return std::max<size_t>((bytes + 8 + 15) / 16 * 16, 32); }

// Of an entry in a std::unordered_map by number: its node, with a link, and its share of the array that leads there,
// which has up to two places for each.
template <typename Map>
constexpr size_t MapEntryBytes() {
  return HeapBytes(sizeof(void*) + sizeof(typename Map::value_type)) + 2 * sizeof(void*);
}
// Of an entry in a std::list, with two links.
template <typename T>
constexpr size_t ListEntryBytes() {
  return HeapBytes(2 * sizeof(void*) + sizeof(T));
}

class MemoryBudget {
 public:
  explicit MemoryBudget(size_t limit_bytes) : limit_bytes_(limit_bytes) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  size_t used_bytes() const { return used_bytes_; }

 private:
  friend class MemoryCharge;
  size_t limit_bytes_;
  size_t used_bytes_ = 0;
};

class MemoryCharge {
 public:
  explicit MemoryCharge(MemoryBudget& budget) : budget_(budget) {}
  MemoryCharge(const MemoryCharge&) = delete;
  MemoryCharge& operator=(const MemoryCharge&) = delete;
  ~MemoryCharge() { Free(bytes_); }

  size_t bytes() const { return bytes_; }
  // False, and nothing is taken, when so much is not left.
  [[nodiscard]] bool Take(size_t bytes) {
    if (bytes > budget_.limit_bytes_ - std::min(budget_.limit_bytes_, budget_.used_bytes_)) {
      return false;
    }
    bytes_ += bytes;
    budget_.used_bytes_ += bytes;
    return true;
  }
  void Free(size_t bytes) {
    bytes_ -= bytes;
    budget_.used_bytes_ -= bytes;
  }

 private:
  MemoryBudget& budget_;
  size_t bytes_ = 0;
};

}  // namespace rpctee::stream
