#include "mirror/dubbo_replies.h"

#include <algorithm>

#include "protocol/dubbo/reply.h"

namespace rpctee::mirror {

using protocol::FrameStatus;
using protocol::MessageKind;
using protocol::dubbo::kHeaderBytes;
using protocol::dubbo::ParseHeader;

static_assert(protocol::dubbo::kResultFlagBytes <= DubboReplies::kKeptBytes);

size_t DubboReplies::ReadHeader(Bytes bytes, TimePoint now) {
  size_t used = kHeaderBytes;
  if (partial_bytes_ == 0 && bytes.size() >= kHeaderBytes) {
    header_ = ParseHeader(bytes.first(kHeaderBytes));
  } else {
    used = std::min(kHeaderBytes - partial_bytes_, bytes.size());
    std::copy_n(bytes.begin(), used, partial_.begin() + static_cast<std::ptrdiff_t>(partial_bytes_));
    partial_bytes_ += used;
    header_ = ParseHeader(Bytes(partial_).first(partial_bytes_));
  }
  if (header_.status == FrameStatus::kMalformed) {
    error_ = header_.error;
  } else if (header_.status == FrameStatus::kFrame) {
    partial_bytes_ = 0;
    kept_bytes_ = 0;
    head_at_ = now;
    in_body_ = true;
    body_left_ = header_.frame_bytes - kHeaderBytes;
  }
  return used;
}

size_t DubboReplies::ReadBody(Bytes bytes) {
  const size_t used = static_cast<size_t>(std::min<uint64_t>(body_left_, bytes.size()));
  const size_t kept = std::min(used, kKeptBytes - kept_bytes_);
  std::copy_n(bytes.begin(), kept, kept_.begin() + static_cast<std::ptrdiff_t>(kept_bytes_));
  kept_bytes_ += kept;
  body_left_ -= used;
  return used;
}

void DubboReplies::Tell(ReplySink& sink) const {
  const Bytes kept = Bytes(kept_).first(kept_bytes_);
  if (header_.kind != MessageKind::kResponse) {
    const bool is_short_event = header_.kind == MessageKind::kEvent && header_.frame_bytes <= kHeaderBytes + kKeptBytes;
    sink.OnMessage(header_, is_short_event ? kept : Bytes());
    return;
  }
  Answer answer{.id = header_.id, .status = header_.reply_status, .head_at = head_at_};
  if (answer.status != protocol::dubbo::kStatusOk) {
    answer.verdict = Verdict::kError;
  } else if (protocol::dubbo::HoldsException(header_.serialization, kept)) {
    answer.verdict = Verdict::kException;
  }
  sink.OnAnswer(answer);
}

bool DubboReplies::Read(Bytes bytes, TimePoint now, ReplySink& sink) {
  while (!bytes.empty()) {
    if (!in_body_) {
      bytes = bytes.subspan(ReadHeader(bytes, now));
      if (header_.status == FrameStatus::kMalformed) {
        return false;
      }
    }
    if (in_body_) {
      bytes = bytes.subspan(ReadBody(bytes));
      if (body_left_ == 0) {
        in_body_ = false;
        Tell(sink);
      }
    }
  }
  return true;
}

}  // namespace rpctee::mirror
