// Bytes that end where the process may not read: one step past the end, or one write into them, and the test dies.
//
// Owns one mapping that is used again for each input. One thread.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>

#include "base/byte_reader.h"

namespace rpctee::test {

class GuardPage {
 public:
  // Inputs up to `capacity` bytes.
  explicit GuardPage(size_t capacity) {
    const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    usable_ = (capacity / page + 1) * page;
    mapped_ = usable_ + page;
    void* base = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED || mprotect(static_cast<uint8_t*>(base) + usable_, page, PROT_NONE) != 0) {
      throw std::runtime_error("no memory for a guard page");
    }
    base_ = static_cast<uint8_t*>(base);
  }
  ~GuardPage() { munmap(base_, mapped_); }
  GuardPage(const GuardPage&) = delete;
  GuardPage& operator=(const GuardPage&) = delete;

  // A read-only copy whose last byte is the last before the guard. Valid until the next call.
  Bytes Place(Bytes bytes) {
    if (bytes.size() > usable_) {
      throw std::length_error("input larger than the guarded memory");
    }
    Protect(PROT_READ | PROT_WRITE);
    uint8_t* const begin = base_ + usable_ - bytes.size();
    if (!bytes.empty()) {
      std::memcpy(begin, bytes.data(), bytes.size());
    }
    Protect(PROT_READ);
    return {begin, bytes.size()};
  }

 private:
  void Protect(int protection) {
    if (mprotect(base_, usable_, protection) != 0) {
      throw std::runtime_error("mprotect failed on guarded memory");
    }
  }

  uint8_t* base_ = nullptr;
  size_t usable_ = 0;
  size_t mapped_ = 0;
};

}  // namespace rpctee::test
