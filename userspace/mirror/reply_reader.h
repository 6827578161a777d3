// What a mirror sends back, cut into messages: headers are read, bodies are skipped and never stored.
//
// One thread; owns 32 bytes and allocates nothing, whatever length the wire announces.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/byte_reader.h"
#include "protocol/dubbo/dubbo_codec.h"

namespace rpctee::mirror {

class ReplySink {
 public:
  virtual ~ReplySink() = default;
  // The message has come whole. `body`: of events no longer than ReplyReader::kEventBytes; empty for all others.
  virtual void OnMessage(const protocol::FrameHeader& header, Bytes body) = 0;
};

class ReplyReader {
 public:
  static constexpr size_t kEventBytes = 16;  // the READONLY event needs 2 in Hessian2, a few more in other forms

  // The next bytes of the stream, in pieces of any size. False when no message can start where one should: nothing
  // more can be read from this stream, and error() says why.
  bool Read(Bytes bytes, ReplySink& sink);
  std::string_view error() const { return error_; }

 private:
  // Each returns how many of the bytes it used.
  size_t ReadHeader(Bytes bytes);
  size_t ReadBody(Bytes bytes);

  std::array<uint8_t, protocol::dubbo::kHeaderBytes> partial_{};
  size_t partial_bytes_ = 0;
  protocol::FrameHeader header_;
  bool in_body_ = false;
  uint64_t body_left_ = 0;
  std::array<uint8_t, kEventBytes> event_{};
  size_t event_bytes_ = 0;
  std::string_view error_;
};

}  // namespace rpctee::mirror
