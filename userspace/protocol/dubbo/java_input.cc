#include "protocol/dubbo/java_input.h"

#include <algorithm>

namespace rpctee::protocol::dubbo::java {
namespace {

constexpr uint32_t kHeader = 0xaced0005;  // magic and version

}  // namespace

Input::Input(Bytes stream) : stream_(stream) {
  if (Be32() != kHeader) {
    Fail();
  }
}

void Input::Skip(uint64_t count) {
  if (failed_ || block_left_ != 0 || count > stream_.size() - position_) {
    Fail();
    return;
  }
  position_ += static_cast<size_t>(count);
}

uint64_t Input::BigEndian(size_t width) {
  const size_t begin = position_;
  Skip(width);
  uint64_t value = 0;
  for (size_t i = 0; i < width && !failed_; ++i) {
    value = (value << 8) | stream_[begin + i];
  }
  return value;
}

std::optional<uint8_t> Input::Peek() const {
  if (failed_ || block_left_ != 0 || position_ == stream_.size()) {
    return std::nullopt;
  }
  return stream_[position_];
}

// Records may be empty.
void Input::BeginBlock() {
  while (!failed_ && block_left_ == 0) {
    const uint8_t tag = U8();
    if (tag == kTagBlockData) {
      block_left_ = U8();
    } else if (tag == kTagBlockDataLong) {
      block_left_ = Be32();
    } else {
      Fail();
    }
  }
}

uint64_t Input::Block(size_t width) {
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) {
    BeginBlock();
    if (failed_ || position_ == stream_.size()) {
      Fail();
      return 0;
    }
    value = (value << 8) | stream_[position_++];
    --block_left_;
  }
  return value;
}

std::string_view Input::BlockBytes(size_t count, std::string& joined) {
  if (count == 0) {
    return {};
  }
  for (size_t left = count; left > 0;) {
    BeginBlock();
    const size_t piece = std::min<size_t>(left, block_left_);
    if (failed_ || piece > stream_.size() - position_) {
      Fail();
      return {};
    }
    const std::string_view bytes = AsText(stream_.subspan(position_, piece));
    position_ += piece;
    block_left_ -= static_cast<uint32_t>(piece);
    left -= piece;
    if (piece == count) {
      return bytes;
    }
    joined += bytes;
  }
  return joined;
}

}  // namespace rpctee::protocol::dubbo::java
