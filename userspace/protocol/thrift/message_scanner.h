// Finds where a Thrift message without a frame ends, from bytes that come in pieces of any size.
//
// One thread; one message. No recursion, no allocation, fixed size. Inside a frame, where the header can be read at
// once (ParseMessageHeader), ArgumentsScanner alone finds the end of the arguments.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/thrift/arguments_scanner.h"
#include "protocol/thrift/message_header.h"
#include "protocol/thrift/piece_reader.h"

namespace rpctee::protocol::thrift {

class MessageScanner {
 public:
  // For a message of at most `max_message_bytes`, in strict binary or compact encoding.
  explicit MessageScanner(uint64_t max_message_bytes);

  // Takes the next bytes of the stream. Returns how many belong to the message: all of them, unless the message ends in
  // them, or it becomes clear that this is none, or one that is too long.
  size_t Feed(Bytes bytes);

  bool done() const { return arguments_ && arguments_->done(); }
  bool failed() const { return arguments_ ? arguments_->failed() : header_error_ != ScanError::kNone; }
  std::string_view error() const;  // empty unless failed
  // How many bytes of the message were taken.
  uint64_t message_bytes() const { return header_bytes_ + (arguments_ ? arguments_->bytes() : 0); }

  // What the header says, once done.
  Encoding encoding() const { return encoding_; }
  MessageType type() const { return type_; }
  MessageKind kind() const { return KindOf(type_); }
  uint32_t sequence_id() const { return sequence_id_; }

 private:
  // Binary has them in this order; in compact the sequence comes before the name.
  enum class Step : uint8_t { kFirstByte, kVersionAndType, kNameLength, kName, kSequence };

  size_t FeedHeader(Bytes bytes);
  void Advance();
  void OnFirstByte(uint64_t byte);
  void OnVersionAndType(uint64_t value);
  void OnNameLength(uint64_t bytes);
  void ReadSequence();
  void ReadNameLength();
  void BeginArguments();

  uint64_t max_message_bytes_;
  uint64_t header_bytes_ = 0;
  PieceReader piece_;
  Step step_ = Step::kFirstByte;
  Encoding encoding_ = Encoding::kBinary;
  MessageType type_ = MessageType::kCall;
  ScanError header_error_ = ScanError::kNone;
  uint32_t sequence_id_ = 0;
  std::optional<ArgumentsScanner> arguments_;  // once the header is read
};

static_assert(sizeof(MessageScanner) <= 480, "a waiting flow costs less than a KiB in all");

}  // namespace rpctee::protocol::thrift
