#include "protocol/thrift/message_scanner.h"

#include <algorithm>

namespace rpctee::protocol::thrift {
namespace {

// Behind the first byte: version, a byte that nobody uses, type.
constexpr size_t kBinaryVersionBytes = 3;
constexpr int kBinaryVersionShift = 16;
constexpr uint64_t kBinaryTypeMask = 0xff;
constexpr size_t kWordBytes = 4;

}  // namespace

MessageScanner::MessageScanner(uint64_t max_message_bytes) : max_message_bytes_(max_message_bytes) { piece_.Number(1); }

std::string_view MessageScanner::error() const { return arguments_ ? arguments_->error() : TextOf(header_error_); }

size_t MessageScanner::Feed(Bytes bytes) {
  size_t used = 0;
  while (used < bytes.size() && !arguments_ && header_error_ == ScanError::kNone) {
    used += FeedHeader(bytes.subspan(used));
  }
  return used + (arguments_ ? arguments_->Feed(bytes.subspan(used)) : 0);
}

size_t MessageScanner::FeedHeader(Bytes bytes) {
  const uint64_t allowed = max_message_bytes_ - header_bytes_;
  if (allowed == 0) {
    header_error_ = ScanError::kLongMessage;
    return 0;
  }
  const size_t taken = piece_.Take(bytes.first(static_cast<size_t>(std::min<uint64_t>(bytes.size(), allowed))));
  header_bytes_ += taken;
  if (piece_.state() == PieceReader::State::kComplete) {
    Advance();
  } else if (piece_.state() == PieceReader::State::kTooLong) {
    header_error_ = ScanError::kLongHeaderNumber;
  }
  return taken;
}

// What was being read is there: decides what comes next.
void MessageScanner::Advance() {
  const bool is_binary = encoding_ == Encoding::kBinary;
  switch (step_) {
    case Step::kFirstByte:
      return OnFirstByte(piece_.value());
    case Step::kVersionAndType:
      return OnVersionAndType(piece_.value());
    case Step::kNameLength:
      return OnNameLength(piece_.value());
    case Step::kName:
      return is_binary ? ReadSequence() : BeginArguments();
    case Step::kSequence:
      sequence_id_ = static_cast<uint32_t>(piece_.value());
      return is_binary ? BeginArguments() : ReadNameLength();
  }
}

void MessageScanner::OnFirstByte(uint64_t byte) {
  if (byte != kBinaryFirstByte && byte != kCompactFirstByte) {
    header_error_ = ScanError::kUnknownMessage;
    return;
  }
  encoding_ = byte == kBinaryFirstByte ? Encoding::kBinary : Encoding::kCompact;
  step_ = Step::kVersionAndType;
  piece_.Number(encoding_ == Encoding::kBinary ? kBinaryVersionBytes : 1);
}

void MessageScanner::OnVersionAndType(uint64_t value) {
  const bool is_binary = encoding_ == Encoding::kBinary;
  const uint64_t version = is_binary ? value >> kBinaryVersionShift : value & kCompactVersionMask;
  const uint64_t type = is_binary ? value & kBinaryTypeMask : value >> kCompactTypeShift;
  if (version != kVersion) {
    header_error_ = ScanError::kUnknownMessage;
  } else if (!IsMessageType(static_cast<unsigned>(type))) {
    header_error_ = ScanError::kUnknownMessageType;
  } else {
    type_ = static_cast<MessageType>(type);
    is_binary ? ReadNameLength() : ReadSequence();
  }
}

void MessageScanner::OnNameLength(uint64_t bytes) {
  step_ = Step::kName;
  if (bytes > kMaxNameBytes) {
    header_error_ = ScanError::kLongName;
  } else if (bytes == 0) {
    Advance();
  } else {
    piece_.Skip(bytes);
  }
}

void MessageScanner::ReadSequence() {
  step_ = Step::kSequence;
  encoding_ == Encoding::kBinary ? piece_.Number(kWordBytes) : piece_.Varint32();
}

void MessageScanner::ReadNameLength() {
  step_ = Step::kNameLength;
  encoding_ == Encoding::kBinary ? piece_.Number(kWordBytes) : piece_.Varint32();
}

void MessageScanner::BeginArguments() { arguments_.emplace(encoding_, max_message_bytes_ - header_bytes_); }

}  // namespace rpctee::protocol::thrift
