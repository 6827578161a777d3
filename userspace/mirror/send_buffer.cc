#include "mirror/send_buffer.h"

#include <algorithm>
#include <cstring>

namespace rpctee::mirror {
namespace {

constexpr size_t kFirstBytes = 4096;

}  // namespace

// Moves to the front only what is at most half of the storage, so each move is paid for by as many bytes that left.
void SendBuffer::MakeRoom(size_t count) {
  const size_t held = size();
  if (capacity_ - end_ >= count) {
    return;
  }
  if (held + count <= capacity_ && held <= capacity_ / 2) {
    std::memmove(storage_.get(), storage_.get() + begin_, held);
  } else {
    const size_t wanted = std::max({kFirstBytes, held + count, held * 2});
    auto grown = std::make_unique_for_overwrite<uint8_t[]>(wanted);
    if (held != 0) {
      std::memcpy(grown.get(), storage_.get() + begin_, held);
    }
    storage_ = std::move(grown);
    capacity_ = wanted;
  }
  begin_ = 0;
  end_ = held;
}

std::span<uint8_t> SendBuffer::Append(Bytes bytes) {
  const std::span<uint8_t> room = Extend(bytes.size());
  std::copy(bytes.begin(), bytes.end(), room.begin());
  return room;
}

std::span<uint8_t> SendBuffer::Extend(size_t bytes) {
  MakeRoom(bytes);
  uint8_t* const at = storage_.get() + end_;
  end_ += bytes;
  appended_ += bytes;
  return {at, bytes};
}

void SendBuffer::Consume(size_t count) {
  begin_ += std::min(count, size());
  if (begin_ == end_) {
    begin_ = end_ = 0;
    if (capacity_ > kKeepBytes) {
      Clear();
    }
  }
}

void SendBuffer::Cut(size_t from, size_t to) {
  uint8_t* const first = storage_.get() + begin_;
  if (from != 0) {
    std::memmove(first + (to - from), first, from);
  }
  Consume(to - from);
}

void SendBuffer::Clear() {
  storage_.reset();
  capacity_ = begin_ = end_ = 0;
}

}  // namespace rpctee::mirror
