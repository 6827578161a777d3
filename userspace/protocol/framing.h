// Where frames end, for every protocol that announces their length: what the tap program measures, measured here.
//
// Any thread; owns nothing. Unframed Thrift has no lengths, so it has no measure here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/byte_reader.h"
#include "base/capture.h"
#include "protocol/codec.h"

namespace rpctee::protocol {

inline constexpr size_t kMaxHeaderBytes = 16;

// How many bytes of a frame tell its length, at most kMaxHeaderBytes; 0 when the protocol has no frames.
size_t HeaderBytes(Content protocol);

struct FrameMeasure {
  uint32_t frame_bytes = 0;  // header included
  MessageKind kind = MessageKind::kRequest;
};

// What a header of at least HeaderBytes(protocol) bytes says; nothing when no frame can begin so. Any length up to
// kMaxBodyBytes passes: a request that is too long to mirror is skipped, not lost. A Thrift
// frame counts as a request, since what it is stands behind the header, and a client sends nothing else.
std::optional<FrameMeasure> MeasureFrame(Content protocol, Bytes header);

}  // namespace rpctee::protocol
