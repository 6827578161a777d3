// What the tap hands to the stream layer: one part of one sampled request, word that a request was cut, or bytes of a
// flow that has to be put in order first.
//
// Plain data, the only thing that `tap` and `stream` both know. The bytes belong to the ring buffer and are valid only
// until the callback that received them returns.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <variant>

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

// What a connection carries, as the tap program and the agent both tell it: enum rpctee_content in
// bpf/abi/recognise.h, with the same values. Those from kDubbo to kThriftUnframed are protocols that are mirrored.
enum class Content : uint8_t {
  kUnknown = 0,  // not known yet
  kDubbo = 1,
  kThriftFramed = 2,
  kThriftUnframed = 3,
  kTls = 4,
  kHttp1 = 5,
  kHttp2 = 6,
  kTelnet = 7,
  kOther = 8,
};

enum class CutReason : uint8_t { kNone, kGap, kRingFull, kFlowEnded };

struct CapturedPart {
  uint64_t flow_id = 0;  // unique for the life of the tap program
  Flow flow;
  uint64_t time_ns = 0;  // CLOCK_MONOTONIC when the tap saw it
  Content protocol = Content::kDubbo;
  uint32_t request = 0;  // ordinal of the request on its flow
  uint32_t draw = 0;
  bool is_cut = false;  // no bytes: the open request of this flow ends here, for `cut`
  CutReason cut = CutReason::kNone;
  uint32_t frame_bytes = 0;  // length of the whole request
  uint32_t offset = 0;       // where `bytes` stands in the request
  Bytes bytes;
};

// A flow that the tap can't frame, because bytes of it are missing, its protocol has no lengths, or nobody knows where
// a request begins. Between kBegin and kEnd its bytes come as they were seen, in no order.
struct CapturedStream {
  enum class Kind : uint8_t { kBegin, kData, kEnd };
  // kBegin: what is known at `seq`.
  enum class Start : uint8_t {
    kFrame = 0,      // the protocol, and where its framing stands
    kFirstByte = 1,  // the first byte of the connection stands there, its protocol is to be found
    kUnknown = 2,    // nothing: the tap came into the middle of a connection, or lost its place
  };
  Kind kind = Kind::kData;
  Start start = Start::kFrame;
  Content protocol = Content::kUnknown;  // kBegin with kFrame
  uint64_t flow_id = 0;
  Flow flow;
  uint64_t time_ns = 0;
  uint32_t seq = 0;    // kBegin: of the first byte to come; kData: of bytes[0]; kEnd: where a frame begins
  uint32_t holes = 0;  // how often a segment left a hole behind the one before, up to here
  Bytes bytes;         // kData

  // kBegin with kFrame: the frame that is under way at `seq`. frame_left = 0: none, but header_have bytes of the next
  // header are known.
  uint32_t frame_bytes = 0;
  uint32_t frame_left = 0;
  bool copying = false;  // its bytes before `seq` went out as parts
  uint32_t draw = 0;
  uint32_t request = 0;  // ordinal of the flow's latest request
  uint32_t header_have = 0;
  std::array<uint8_t, 16> header{};
};

using CapturedRecord = std::variant<CapturedPart, CapturedStream>;

}  // namespace rpctee
