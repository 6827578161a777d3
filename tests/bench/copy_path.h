// What the relay is held against: a loop that receives bytes from one socket and sends them to another, and does
// nothing else. No program that copies in userspace can be faster on these sockets.
//
// One thread. Owns its sockets; the sink that it sends to outlives it.
#pragma once

#include <cstdint>
#include <vector>

#include "base/byte_reader.h"
#include "base/fd.h"
#include "base/result.h"
#include "cpu.h"
#include "sink.h"

namespace rpctee::bench {

class CopyPath {
 public:
  static Result<CopyPath> Open(const Sink& sink);

  // Copies `bytes`, over and over until so many have been copied. What is measured is the copying alone: before each
  // stretch of it the first socket was filled.
  Result<Took> Run(Bytes bytes, uint64_t total_bytes);

 private:
  CopyPath(Fd feeder, Fd source, Fd target)
      : feeder_(std::move(feeder)), source_(std::move(source)), target_(std::move(target)), buffer_(kCopyBytes) {}
  // How many bytes went in.
  Result<uint64_t> Fill(Bytes bytes, uint64_t limit);
  Status Copy(uint64_t count);

  static constexpr size_t kCopyBytes = size_t{64} << 10;
  Fd feeder_;
  Fd source_;
  Fd target_;
  std::vector<uint8_t> buffer_;
};

}  // namespace rpctee::bench
