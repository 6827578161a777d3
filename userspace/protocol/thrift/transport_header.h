// The header that THeader puts between a frame's length and its message: sequence id, transforms, and pairs of keys and
// values.
//
// Any thread; owns nothing. HeaderFormat.md of Apache Thrift, and what its C++ and Python programs do.
#pragma once

#include <array>
#include <cstdint>

#include "protocol/codec.h"

namespace rpctee::protocol::thrift {

inline constexpr uint16_t kHeaderMagic = 0x0fff;
// Where things stand in a frame, its four length bytes included.
inline constexpr size_t kHeaderMagicAt = 4;
inline constexpr size_t kHeaderSequenceAt = 8;
inline constexpr size_t kHeaderFixedBytes = 14;

inline constexpr uint32_t kTransformZlib = 1;
// There are three transforms, and no use in applying one twice.
inline constexpr size_t kMaxTransforms = 8;

struct TransportHeader {
  FrameStatus status = FrameStatus::kNeedMore;
  std::string_view error;  // for kMalformed: why
  uint32_t sequence_id = 0;
  uint32_t protocol_id = 0;  // of the message; Encoding names those that can be read
  uint32_t transform_count = 0;
  std::array<uint32_t, kMaxTransforms> transforms = {};  // in the order in which they were applied
  Bytes info;                                            // the pairs, and zero bytes
  size_t message_at = 0;                                 // where the message, or what the transforms made of it, begins
};

// Reads the header of a frame of `frame_bytes`, of which `bytes` are the first or all. Needs all of the header.
TransportHeader ParseTransportHeader(Bytes bytes, uint64_t frame_bytes);

}  // namespace rpctee::protocol::thrift
