// What the reassembler says: to the books about the requests that it framed, and to the tap about the flows that it has
// in hand.
//
// Called on the worker's thread. May not call the reassembler. `holes`: of the flow, as far as it was heard of them;
// the tap knows by it which of the flow's streams is spoken of.
#pragma once

#include <cstdint>

#include "base/capture.h"

namespace rpctee::stream {

// How a request that was framed here is booked; the sampled ones go on to the assembler.
enum class StreamRequest : uint8_t { kSampled, kNotSampled, kTooBig };

class ReassemblerObserver {
 public:
  virtual ~ReassemblerObserver() = default;
  // A request to this endpoint is sampled when its draw is below.
  virtual uint64_t ThresholdOf(const SocketAddress& endpoint) = 0;
  virtual void OnStreamRequest(StreamRequest outcome) = 0;
  // Every byte is there, as long as the tap saw no more than these holes: it may frame again.
  virtual void OnMended(const Flow& flow, uint64_t flow_id, uint32_t holes, Content protocol) = 0;
  // What is missing will not come, or no boundary can be found: the tap looks for one by itself, or asks again.
  virtual void OnGivenUp(const Flow& flow, uint64_t flow_id, uint32_t holes) = 0;
  // The bytes so far were taken, of a flow that the tap can't frame; more may come.
  virtual void OnTaken(const Flow& flow, uint64_t flow_id, uint32_t holes) = 0;
  // Nothing of this connection can be mirrored: the tap may pass it over.
  virtual void OnIgnored(const Flow& flow, uint64_t flow_id, uint32_t holes, Content kind) = 0;
};

}  // namespace rpctee::stream
