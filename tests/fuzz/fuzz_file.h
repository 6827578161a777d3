// A file that exists in memory only, for parsers that take a path.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "base/byte_reader.h"
#include "base/fd.h"
#include "fuzz/fuzz_check.h"

namespace rpctee::fuzz {

class MemoryFile {
 public:
  explicit MemoryFile(Bytes bytes) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    Require(fd_.valid() && ::write(fd_.get(), bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()),
            "a file can be made in memory");
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

 private:
  Fd fd_;
};

}  // namespace rpctee::fuzz
