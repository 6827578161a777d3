// One number or stretch of bytes at a time, from input that comes in pieces of any size.
//
// One thread; owns nothing but the number.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/byte_reader.h"
#include "protocol/thrift/varint.h"

namespace rpctee::protocol::thrift {

class PieceReader {
 public:
  enum class State : uint8_t { kWaits, kComplete, kTooLong };

  // Each of these starts something new; counts are not 0.
  void Number(uint64_t bytes) { Start(Way::kBigEndian, bytes); }  // of at most 8 bytes
  void Varint32() { Start(Way::kVarint32, kMaxVarint32Bytes); }
  void Varint64() { Start(Way::kVarint64, kMaxVarint64Bytes); }
  void Skip(uint64_t bytes) { Start(Way::kSkip, bytes); }

  // Takes what is needed and there; returns how many bytes. Not to be called once complete or too long.
  size_t Take(Bytes bytes) {
    if (way_ == Way::kSkip) {
      const auto taken = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
      left_ -= taken;
      state_ = left_ == 0 ? State::kComplete : State::kWaits;
      return taken;
    }
    size_t taken = 0;
    while (taken < bytes.size() && state_ == State::kWaits) {
      --left_;
      TakeByte(bytes[taken++]);
    }
    return taken;
  }

  State state() const { return state_; }
  // The number, once complete. Of a Varint64 nobody needs more than its end.
  uint64_t value() const { return value_; }

 private:
  enum class Way : uint8_t { kBigEndian, kVarint32, kVarint64, kSkip };

  void Start(Way way, uint64_t bytes) {
    way_ = way;
    left_ = bytes;
    value_ = 0;
    shift_ = 0;
    state_ = State::kWaits;
  }

  void TakeByte(uint8_t byte) {
    if (way_ == Way::kBigEndian) {
      value_ = value_ << 8 | byte;
      state_ = left_ == 0 ? State::kComplete : State::kWaits;
      return;
    }
    if (way_ == Way::kVarint32) {
      value_ |= uint64_t{byte & 0x7fU} << shift_;
      shift_ = static_cast<uint8_t>(shift_ + 7);
    }
    if ((byte & 0x80) == 0) {
      state_ = value_ <= UINT32_MAX ? State::kComplete : State::kTooLong;
    } else if (left_ == 0) {
      state_ = State::kTooLong;
    }
  }

  uint64_t left_ = 0;
  uint64_t value_ = 0;
  uint8_t shift_ = 0;
  Way way_ = Way::kSkip;
  State state_ = State::kComplete;
};

}  // namespace rpctee::protocol::thrift
