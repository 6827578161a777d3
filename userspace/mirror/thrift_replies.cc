#include "mirror/thrift_replies.h"

#include <algorithm>

#include "protocol/thrift/envelope.h"
#include "protocol/thrift/reply.h"

namespace rpctee::mirror {
namespace {

using protocol::FrameStatus;
using protocol::thrift::ReplyKind;

constexpr size_t kLengthBytes = 4;
constexpr uint64_t kMaxUnframedBytes = 0x3fffffff;  // as for a frame

constexpr std::string_view kBadLength = "the frame length is negative, zero or larger than Thrift allows";

Verdict VerdictOf(ReplyKind kind) {
  switch (kind) {
    case ReplyKind::kDeclaredException:
      return Verdict::kException;
    case ReplyKind::kServerException:
      return Verdict::kError;
    case ReplyKind::kResult:
    case ReplyKind::kUnreadable:
    case ReplyKind::kNoReply:
      break;
  }
  return Verdict::kOk;
}

}  // namespace

void ThriftReplies::Keep(Bytes bytes) {
  const size_t kept = std::min(bytes.size(), kHeadBytes - head_bytes_);
  std::copy_n(bytes.begin(), kept, head_.begin() + static_cast<std::ptrdiff_t>(head_bytes_));
  head_bytes_ += kept;
}

size_t ThriftReplies::ReadFramed(Bytes bytes) {
  const uint64_t wanted = taken_ < kLengthBytes ? kLengthBytes : frame_bytes_;
  const auto used = static_cast<size_t>(std::min<uint64_t>(wanted - taken_, bytes.size()));
  Keep(bytes.first(used));
  taken_ += used;
  if (taken_ == kLengthBytes) {
    const auto length = protocol::thrift::FramedLength(Bytes(head_).first(kLengthBytes));
    frame_bytes_ = length.value_or(0);
    error_ = length ? std::string_view() : kBadLength;
  }
  is_whole_ = taken_ > kLengthBytes && taken_ == frame_bytes_;
  return used;
}

size_t ThriftReplies::ReadUnframed(Bytes bytes) {
  if (!scanner_) {
    scanner_.emplace(kMaxUnframedBytes);
  }
  const size_t used = scanner_->Feed(bytes);
  Keep(bytes.first(used));
  taken_ += used;
  error_ = scanner_->error();
  is_whole_ = scanner_->done();
  return used;
}

bool ThriftReplies::Tell(ReplySink& sink) {
  const protocol::thrift::Reply reply = protocol::thrift::ReadReply(Bytes(head_).first(head_bytes_));
  is_whole_ = false;
  head_bytes_ = 0;
  frame_bytes_ = 0;
  taken_ = 0;
  scanner_.reset();
  if (reply.status == FrameStatus::kMalformed) {
    error_ = reply.error;
    return false;
  }
  if (reply.kind == ReplyKind::kNoReply) {
    protocol::FrameHeader call;
    call.status = FrameStatus::kFrame;
    call.id = reply.id;
    sink.OnMessage(call, {});
  } else {
    sink.OnAnswer({.id = reply.id, .verdict = VerdictOf(reply.kind), .head_at = head_at_});
  }
  return true;
}

bool ThriftReplies::Read(Bytes bytes, TimePoint now, ReplySink& sink) {
  while (!bytes.empty()) {
    if (taken_ == 0) {
      head_at_ = now;
    }
    bytes = bytes.subspan(is_unframed_ ? ReadUnframed(bytes) : ReadFramed(bytes));
    if (!error_.empty() || (is_whole_ && !Tell(sink))) {
      return false;
    }
  }
  return true;
}

}  // namespace rpctee::mirror
