// One Thrift message with what is around it: nothing, a frame, or a frame with a THeader.
//
// Any thread; owns nothing.
#pragma once

#include <optional>

#include "protocol/thrift/message_header.h"
#include "protocol/thrift/transport_header.h"

namespace rpctee::protocol::thrift {

enum class Wrapping : uint8_t { kUnframed, kFramed, kHeader };

struct Envelope {
  FrameStatus status = FrameStatus::kNeedMore;
  std::string_view error;  // for kMalformed: why
  Wrapping wrapping = Wrapping::kFramed;
  uint64_t frame_bytes = 0;   // with the length bytes; known from the first four bytes on. 0: unframed
  TransportHeader transport;  // for kHeader
  // A THeader's message that transforms hide, or in a protocol that nobody here can read.
  bool is_hidden = false;
  MessageHeader message;  // unless it is hidden
  size_t message_at = 0;
};

// Reads as far as the arguments. `bytes` are the first ones of a frame, or of an unframed message, or more.
Envelope OpenEnvelope(Bytes bytes);

// How many bytes a frame has, by its first four bytes, those included. Nothing when the length that they announce is
// negative, zero, or more than kMaxBodyBytes, and when there are fewer than four.
std::optional<uint64_t> FramedLength(Bytes first_four);

// The encoding that a THeader names.
std::optional<Encoding> EncodingOf(uint32_t protocol_id);

}  // namespace rpctee::protocol::thrift
