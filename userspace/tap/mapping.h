// A stretch of mapped memory, unmapped with its owner. Any thread; one owner at a time.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/result.h"

namespace rpctee::tap {

class Mapping {
 public:
  static Result<Mapping> Map(int fd, size_t bytes, int protection, size_t offset) {
    void* const at = ::mmap(nullptr, bytes, protection, MAP_SHARED, fd, static_cast<off_t>(offset));
    if (at == MAP_FAILED) {
      return FailErrno("map memory of the tap program", errno);
    }
    return Mapping(static_cast<uint8_t*>(at), bytes);
  }
  Mapping() = default;
  Mapping(Mapping&& other) noexcept : at_(std::exchange(other.at_, nullptr)), bytes_(other.bytes_) {}
  Mapping& operator=(Mapping&& other) noexcept {
    std::swap(at_, other.at_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapping() {
    if (at_ != nullptr) {
      ::munmap(at_, bytes_);
    }
  }

  uint8_t* data() const { return at_; }
  size_t size() const { return bytes_; }

 private:
  Mapping(uint8_t* at, size_t bytes) : at_(at), bytes_(bytes) {}

  uint8_t* at_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace rpctee::tap
