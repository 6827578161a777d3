#include "mirror/reply_reader.h"

#include <algorithm>

namespace rpctee::mirror {

using protocol::FrameStatus;
using protocol::MessageKind;
using protocol::dubbo::kHeaderBytes;
using protocol::dubbo::ParseHeader;

size_t ReplyReader::ReadHeader(Bytes bytes) {
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
    event_bytes_ = 0;
    in_body_ = true;
    body_left_ = header_.frame_bytes - kHeaderBytes;
  }
  return used;
}

size_t ReplyReader::ReadBody(Bytes bytes) {
  const size_t used = static_cast<size_t>(std::min<uint64_t>(body_left_, bytes.size()));
  if (header_.kind == MessageKind::kEvent && header_.frame_bytes <= kHeaderBytes + kEventBytes) {
    std::copy_n(bytes.begin(), used, event_.begin() + static_cast<std::ptrdiff_t>(event_bytes_));
    event_bytes_ += used;
  }
  body_left_ -= used;
  return used;
}

bool ReplyReader::Read(Bytes bytes, ReplySink& sink) {
  while (!bytes.empty()) {
    if (!in_body_) {
      bytes = bytes.subspan(ReadHeader(bytes));
      if (header_.status == FrameStatus::kMalformed) {
        return false;
      }
    }
    if (in_body_) {
      bytes = bytes.subspan(ReadBody(bytes));
      if (body_left_ == 0) {
        in_body_ = false;
        sink.OnMessage(header_, Bytes(event_).first(event_bytes_));
      }
    }
  }
  return true;
}

}  // namespace rpctee::mirror
