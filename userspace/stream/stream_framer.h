// Finds the frames in the bytes of one flow, of a protocol that announces their length.
//
// One worker thread. Owns no more than a header that came in pieces: bytes of sampled requests go on as they come.
#pragma once

#include <array>
#include <cstdint>

#include "base/capture.h"
#include "protocol/framing.h"
#include "stream/flow_requests.h"

namespace rpctee::stream {

class StreamFramer {
 public:
  // At the beginning of a frame.
  StreamFramer(FlowRequests& requests, Content protocol);

  // Inside a frame or its header, as the tap left it. False when no flow can stand so.
  bool GoOn(const CapturedStream& begin);
  // Takes the bytes that follow; false when they are no frames.
  bool Consume(Bytes bytes);

  Content protocol() const { return protocol_; }
  bool at_boundary() const { return frame_left_ == 0 && header_have_ == 0; }

 private:
  size_t ConsumeHeader(Bytes bytes);
  size_t ConsumeFrame(Bytes bytes);
  bool BeginFrame(Bytes header);
  bool BeginRequest();

  FlowRequests& requests_;
  Content protocol_;
  bool copying_ = false;
  uint8_t header_bytes_;
  uint8_t header_have_ = 0;
  uint32_t frame_bytes_ = 0;
  uint32_t frame_left_ = 0;  // 0: between frames, or inside a header
  std::array<uint8_t, protocol::kMaxHeaderBytes> header_{};
};

}  // namespace rpctee::stream
