// Rewrites the packets of a capture on their way in: leaves out the first ones, and cuts TCP payloads into smaller
// packets, as a network with another segment size would have carried them.
//
// One thread at a time. Owns one frame buffer. The bytes of each stream stay the same, byte for byte and in order.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/byte_reader.h"
#include "replay/tcp_layout.h"

namespace rpctee::replay {

struct SegmenterOptions {
  uint32_t max_segment_bytes = 0;  // of TCP payload in one packet; 0 = leave packets as they are
  uint64_t first_packet = 1;       // frames before this one are left out; counted from 1, for each Segmenter
};

class Segmenter {
 public:
  // The frame is valid only inside the call.
  using Emit = std::function<void(Bytes frame)>;

  explicit Segmenter(const SegmenterOptions& options) : options_(options) {}

  // Calls `emit` for each frame that takes the place of this one, in order. Sequence number, IP length, IPv4
  // identification and IPv4 header checksum of a piece are right, SYN and CWR stand only on the first, PSH and FIN only
  // on the last; TCP checksums are not recomputed. Left alone: frames that FindTcp() does not understand, and RST or
  // URG packets.
  void Rewrite(Bytes frame, const Emit& emit);

 private:
  void EmitPiece(Bytes frame, const TcpLayout& layout, size_t offset, size_t count, const Emit& emit);

  SegmenterOptions options_;
  uint64_t packets_ = 0;
  std::vector<uint8_t> piece_;
};

}  // namespace rpctee::replay
