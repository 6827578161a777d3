#include "stream/flow_requests.h"

namespace rpctee::stream {

void FlowRequests::GoOnAfter(uint32_t request, uint32_t draw) {
  request_ = request;
  draw_ = draw;
}

bool FlowRequests::Draw() {
  ++request_;
  draw_ = static_cast<uint32_t>(sink_.random());
  return draw_ < sink_.observer.ThresholdOf(flow_.destination);
}

void FlowRequests::Write(Content protocol, uint32_t frame_bytes, uint32_t offset, Bytes bytes) {
  CapturedPart part;
  part.flow_id = flow_id_;
  part.flow = flow_;
  part.time_ns = time_ns_;
  part.protocol = protocol;
  part.request = request_;
  part.draw = draw_;
  part.frame_bytes = frame_bytes;
  part.offset = offset;
  part.bytes = bytes;
  sink_.assembler.Take(part, sink_.now);
}

void FlowRequests::Cut(CutReason reason) {
  CapturedPart cut;
  cut.flow_id = flow_id_;
  cut.flow = flow_;
  cut.is_cut = true;
  cut.cut = reason;
  sink_.assembler.Take(cut, sink_.now);
}

}  // namespace rpctee::stream
