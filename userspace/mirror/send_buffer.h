// The unsent bytes of one connection, in one contiguous piece, so that one send() takes them all.
//
// One thread; owns its storage. Storage is at most twice the most bytes ever held at once, and at most kKeepBytes while
// empty. Each byte is moved O(1) times on average.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/byte_reader.h"

namespace rpctee::mirror {

class SendBuffer {
 public:
  static constexpr size_t kKeepBytes = size_t{256} << 10;

  size_t size() const { return end_ - begin_; }
  Bytes unsent() const { return {storage_.get() + begin_, size()}; }
  size_t capacity() const { return capacity_; }
  // Bytes appended since the buffer was made. A position in the stream of appended bytes is named by this count; what
  // stood there has left when size() <= appended() - position.
  uint64_t appended() const { return appended_; }

  // The copy, to be changed in place before the next call.
  std::span<uint8_t> Append(Bytes bytes);
  // Room for so many bytes, to be filled before the next call.
  std::span<uint8_t> Extend(size_t bytes);
  // The first `count` bytes have left.
  void Consume(size_t count);
  // Takes out the bytes [from, to) of unsent(). Costs a move of the `from` bytes before.
  void Cut(size_t from, size_t to);
  // Drops all and gives the storage back.
  void Clear();

 private:
  void MakeRoom(size_t count);

  std::unique_ptr<uint8_t[]> storage_;
  size_t capacity_ = 0;
  size_t begin_ = 0;
  size_t end_ = 0;
  uint64_t appended_ = 0;
};

}  // namespace rpctee::mirror
