// How much memory several holders may use together, and one holder's part of it.
//
// One worker thread. The budget outlives the charges, which give back what they hold when they go.
#pragma once

#include <algorithm>
#include <cstddef>

namespace rpctee::stream {

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
