// Any bytes as a capture file: its packets are counted one by one and handed out as Ethernet frames, and what is cut
// into smaller packets is, joined, the same stream.
#include <vector>

#include "fuzz/fuzz_check.h"
#include "fuzz/fuzz_file.h"
#include "replay/capture_reader.h"
#include "replay/segmenter.h"
#include "replay/tcp_layout.h"

namespace {

using rpctee::Bytes;
using rpctee::fuzz::MemoryFile;
using rpctee::fuzz::Require;
namespace replay = rpctee::replay;

constexpr size_t kMaxInput = 64 * 1024;
constexpr size_t kEthernetBytes = 14;
constexpr uint32_t kSegmentBytes = 7;

std::vector<uint8_t> PayloadOf(Bytes frame) {
  const auto layout = replay::FindTcp(frame);
  if (!layout) {
    return {frame.begin(), frame.end()};
  }
  const Bytes payload = frame.subspan(layout->payload_offset, layout->payload_bytes);
  return {payload.begin(), payload.end()};
}

void CheckCut(Bytes frame) {
  replay::Segmenter segmenter({.max_segment_bytes = kSegmentBytes});
  std::vector<uint8_t> joined;
  size_t pieces = 0;
  segmenter.Rewrite(frame, [&](Bytes piece) {
    const std::vector<uint8_t> payload = PayloadOf(piece);
    joined.insert(joined.end(), payload.begin(), payload.end());
    ++pieces;
  });
  Require(pieces >= 1, "no packet is lost");
  Require(joined == PayloadOf(frame), "the pieces are the whole");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > kMaxInput) {
    return 0;
  }
  const MemoryFile file(Bytes(data, size));
  auto reader = replay::CaptureReader::Open(file.path());
  if (!reader) {
    Require(!reader.error().message.empty(), "what can't be opened has a reason");
    return 0;
  }
  uint64_t handed = 0;
  uint64_t last = 0;
  while (true) {
    const auto packet = reader->Next();
    if (!packet || !packet->has_value()) {
      break;
    }
    const replay::CapturedFrame& frame = **packet;
    Require(frame.number > last && frame.frame.size() >= kEthernetBytes, "each packet is a frame with its number");
    last = frame.number;
    ++handed;
    CheckCut(frame.frame);
  }
  const replay::CaptureStats& stats = reader->stats();
  Require(stats.packets == handed + stats.runts + stats.not_ip, "each packet is handed out or counted");
  return 0;
}
