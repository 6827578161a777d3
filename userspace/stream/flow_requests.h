// The requests of one flow that are framed here, on their way to the assembler: draws for each, books it, and passes
// the bytes of the sampled ones on as parts, as the tap does with those that it framed.
//
// One worker thread. Owns nothing but the number of the latest request; what all flows share stands in RequestSink.
#pragma once

#include <cstdint>
#include <random>

#include "base/capture.h"
#include "base/clock.h"
#include "stream/assembler.h"
#include "stream/reassembler_observer.h"

namespace rpctee::stream {

// Where the requests of all flows of a worker go.
struct RequestSink {
  Assembler& assembler;
  ReassemblerObserver& observer;
  uint32_t max_request_bytes;
  std::mt19937 random;
  TimePoint now{};  // the worker's time, as of the latest call
};

class FlowRequests {
 public:
  FlowRequests(RequestSink& sink, uint64_t flow_id, const Flow& flow) : sink_(sink), flow_id_(flow_id), flow_(flow) {}

  const Flow& flow() const { return flow_; }
  uint64_t flow_id() const { return flow_id_; }
  uint32_t max_request_bytes() const { return sink_.max_request_bytes; }
  // When the tap saw the bytes that come next.
  void SetTime(uint64_t time_ns) { time_ns_ = time_ns; }
  // The tap began with the request of this number; the next one has the next number.
  void GoOnAfter(uint32_t request, uint32_t draw);

  // Draws for the next request. Returns whether it is sampled.
  bool Draw();
  void Book(StreamRequest outcome) { sink_.observer.OnStreamRequest(outcome); }
  // Passes bytes of the latest request on, `offset` from its start.
  void Write(Content protocol, uint32_t frame_bytes, uint32_t offset, Bytes bytes);
  // Ends the open request, if there is one.
  void Cut(CutReason reason);

 private:
  RequestSink& sink_;
  uint64_t flow_id_;
  Flow flow_;
  uint64_t time_ns_ = 0;
  uint32_t request_ = 0;
  uint32_t draw_ = 0;
};

}  // namespace rpctee::stream
