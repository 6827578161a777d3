#include "stream/stream_framer.h"

#include <algorithm>
#include <tuple>

namespace rpctee::stream {

using protocol::FrameMeasure;
using protocol::MessageKind;

static_assert(std::tuple_size_v<decltype(CapturedStream::header)> == protocol::kMaxHeaderBytes);

StreamFramer::StreamFramer(FlowRequests& requests, Content protocol)
    : requests_(requests), protocol_(protocol), header_bytes_(static_cast<uint8_t>(protocol::HeaderBytes(protocol))) {}

bool StreamFramer::GoOn(const CapturedStream& begin) {
  const bool is_inside = begin.frame_left != 0;  // of a frame, behind its header
  if (begin.header_have >= header_bytes_ || (is_inside && begin.header_have != 0) ||
      (is_inside && (begin.frame_bytes < header_bytes_ || begin.frame_left > begin.frame_bytes - header_bytes_))) {
    return false;
  }
  frame_bytes_ = begin.frame_bytes;
  frame_left_ = begin.frame_left;
  copying_ = begin.copying;
  header_have_ = static_cast<uint8_t>(begin.header_have);
  header_ = begin.header;
  return true;
}

bool StreamFramer::Consume(Bytes bytes) {
  while (!bytes.empty()) {
    if (frame_left_ != 0) {
      bytes = bytes.subspan(ConsumeFrame(bytes));
    } else if (header_have_ == 0 && bytes.size() >= header_bytes_) {
      if (!BeginFrame(bytes)) {
        return false;
      }
    } else {
      bytes = bytes.subspan(ConsumeHeader(bytes));
      if (header_have_ == header_bytes_) {
        if (!BeginFrame(header_)) {
          return false;
        }
        header_have_ = 0;
        ConsumeFrame(Bytes(header_).first(header_bytes_));
      }
    }
  }
  return true;
}

size_t StreamFramer::ConsumeHeader(Bytes bytes) {
  const size_t missing = header_bytes_ - size_t{header_have_};
  const size_t count = std::min(missing, bytes.size());
  std::copy_n(bytes.begin(), count, header_.begin() + header_have_);
  header_have_ = static_cast<uint8_t>(header_have_ + count);
  return count;
}

size_t StreamFramer::ConsumeFrame(Bytes bytes) {
  const size_t count = std::min<size_t>(frame_left_, bytes.size());
  if (copying_) {
    requests_.Write(protocol_, frame_bytes_, frame_bytes_ - frame_left_, bytes.first(count));
  }
  frame_left_ -= static_cast<uint32_t>(count);
  return count;
}

bool StreamFramer::BeginFrame(Bytes header) {
  const std::optional<FrameMeasure> frame = protocol::MeasureFrame(protocol_, header);
  if (!frame) {
    return false;
  }
  frame_bytes_ = frame->frame_bytes;
  frame_left_ = frame_bytes_;
  const bool is_request = frame->kind == MessageKind::kRequest || frame->kind == MessageKind::kOneway;
  copying_ = is_request && BeginRequest();
  return true;
}

bool StreamFramer::BeginRequest() {
  const bool is_sampled = requests_.Draw();
  if (frame_bytes_ > requests_.max_request_bytes()) {
    requests_.Book(StreamRequest::kTooBig);
    return false;
  }
  requests_.Book(is_sampled ? StreamRequest::kSampled : StreamRequest::kNotSampled);
  return is_sampled;
}

}  // namespace rpctee::stream
