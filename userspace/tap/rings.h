// The rings of records, one for each worker: the maps, and each one's consumer.
//
// Made on the control thread before the workers start; afterwards a worker touches its own ring only. Owns the maps.
#pragma once

#include <cstdint>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "tap/ring.h"

namespace rpctee::tap {

class Rings {
 public:
  // Makes `count` rings of `bytes` (a power of two of at least a page), and puts them into the tap program's array.
  static Result<Rings> Make(int array_fd, uint32_t count, uint32_t bytes);

  // Returns when no program that found a ring in this array before is running any more.
  Status AwaitPrograms(int array_fd) const;

  size_t size() const { return rings_.size(); }
  Ring& at(size_t index) { return rings_.at(index); }
  int fd(size_t index) const { return maps_.at(index).get(); }

 private:
  std::vector<Fd> maps_;
  std::vector<Ring> rings_;
};

}  // namespace rpctee::tap
