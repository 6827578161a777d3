// What the tap hands to the stream layer: one part of one sampled request, or word that a request was cut.
//
// Plain data, the only thing that `tap` and `stream` both know. The bytes belong to the ring buffer and are valid only
// until the callback that received them returns.
#pragma once

#include <cstdint>
#include <string>

#include "base/address.h"
#include "base/byte_reader.h"

namespace rpctee {

// One direction of a TCP connection, from the consumer to the endpoint.
struct Flow {
  SocketAddress source;
  SocketAddress destination;

  auto operator<=>(const Flow&) const = default;
  // "10.0.0.1:40000>10.0.0.2:20880"
  std::string ToString() const { return source.ToString() + ">" + destination.ToString(); }
};

enum class CutReason : uint8_t { kNone, kGap, kRingFull, kFlowEnded };

struct CapturedPart {
  uint64_t flow_id = 0;  // unique for the life of the tap program
  Flow flow;
  uint64_t time_ns = 0;  // CLOCK_MONOTONIC when the tap saw it
  uint32_t request = 0;  // ordinal of the request on its flow
  uint32_t draw = 0;
  bool is_cut = false;  // no bytes: the open request of this flow ends here, for `cut`
  CutReason cut = CutReason::kNone;
  uint32_t frame_bytes = 0;  // length of the whole request
  uint32_t offset = 0;       // where `bytes` stands in the request
  Bytes bytes;
};

}  // namespace rpctee
