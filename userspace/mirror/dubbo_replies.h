// A Dubbo provider's stream, cut into messages: headers are read, bodies are skipped and never stored but for their
// first bytes.
//
// One thread; owns 32 bytes and allocates nothing.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "mirror/reply_sink.h"
#include "protocol/dubbo/dubbo_codec.h"

namespace rpctee::mirror {

class DubboReplies {
 public:
  // The READONLY event needs 2 in Hessian2, a few more in other forms; the flag of a result no more than 8.
  static constexpr size_t kKeptBytes = 16;

  // As ReplyReader has it.
  bool Read(Bytes bytes, TimePoint now, ReplySink& sink);
  std::string_view error() const { return error_; }

 private:
  // Each returns how many of the bytes it used.
  size_t ReadHeader(Bytes bytes, TimePoint now);
  size_t ReadBody(Bytes bytes);
  void Tell(ReplySink& sink) const;

  std::array<uint8_t, protocol::dubbo::kHeaderBytes> partial_{};
  size_t partial_bytes_ = 0;
  protocol::FrameHeader header_;
  TimePoint head_at_;
  bool in_body_ = false;
  uint64_t body_left_ = 0;
  std::array<uint8_t, kKeptBytes> kept_{};
  size_t kept_bytes_ = 0;
  std::string_view error_;
};

}  // namespace rpctee::mirror
