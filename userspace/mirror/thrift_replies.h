// A Thrift server's stream, cut into messages: by their frames, or without frames where the result's struct ends. The
// first bytes of each are read, the others are skipped and never stored.
//
// One thread; owns about 2 KiB and allocates nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "mirror/reply_sink.h"
#include "protocol/thrift/message_scanner.h"

namespace rpctee::mirror {

class ThriftReplies {
 public:
  // So much of a message is kept to be read: frame length, THeader, message header and the first field.
  static constexpr size_t kHeadBytes = 512;

  explicit ThriftReplies(bool is_unframed) : is_unframed_(is_unframed) {}

  // As ReplyReader has it.
  bool Read(Bytes bytes, TimePoint now, ReplySink& sink);
  std::string_view error() const { return error_; }

 private:
  // Each takes bytes of one message and returns how many.
  size_t ReadFramed(Bytes bytes);
  size_t ReadUnframed(Bytes bytes);
  void Keep(Bytes bytes);
  // The message is whole.
  bool Tell(ReplySink& sink);

  bool is_unframed_;
  bool is_whole_ = false;
  std::array<uint8_t, kHeadBytes> head_;  // not set until bytes come
  size_t head_bytes_ = 0;
  uint64_t frame_bytes_ = 0;  // 0: not known yet
  uint64_t taken_ = 0;
  TimePoint head_at_;
  std::optional<protocol::thrift::MessageScanner> scanner_;  // in an unframed message
  std::string_view error_;
};

}  // namespace rpctee::mirror
