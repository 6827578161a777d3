// Any bytes as the start of a Dubbo message: what a prefix says must hold for everything that begins with it.
#include <algorithm>
#include <vector>

#include "fuzz/fuzz_check.h"
#include "protocol/dubbo/dubbo_codec.h"

namespace {

using rpctee::Bytes;
using rpctee::fuzz::Require;
using rpctee::protocol::FrameHeader;
using rpctee::protocol::FrameStatus;
using rpctee::protocol::MessageKind;
namespace dubbo = rpctee::protocol::dubbo;

void CheckPrefixes(Bytes input) {
  auto settled = FrameStatus::kNeedMore;
  for (size_t bytes = 0; bytes <= std::min(input.size(), dubbo::kHeaderBytes + 1); ++bytes) {
    const FrameHeader header = dubbo::ParseHeader(input.first(bytes));
    Require(settled == FrameStatus::kNeedMore || header.status == settled,
            "more bytes change nothing that was settled");
    Require(header.status != FrameStatus::kFrame || bytes >= dubbo::kHeaderBytes, "a frame needs a whole header");
    Require(header.status != FrameStatus::kNeedMore || bytes < dubbo::kHeaderBytes, "a whole header is enough");
    Require(header.error.empty() == (header.status != FrameStatus::kMalformed), "only malformed bytes have an error");
    settled = header.status;
  }
}

void CheckFrame(Bytes input, const FrameHeader& header) {
  Require(header.frame_bytes >= dubbo::kHeaderBytes, "a frame is no shorter than its header");
  std::vector<uint8_t> renamed(input.begin(), input.end());
  dubbo::RewriteId(renamed, ~header.id);
  Require(dubbo::ParseHeader(renamed).id == ~header.id, "the new id is read back");
  dubbo::RewriteId(renamed, header.id);
  Require(std::equal(input.begin(), input.end(), renamed.begin()), "the old id restores the old bytes");

  const auto answer = dubbo::HeartbeatAnswer(header);
  const FrameHeader answered = dubbo::ParseHeader(answer);
  Require(answered.status == FrameStatus::kFrame && answered.frame_bytes == answer.size(), "the answer is one frame");
  Require(answered.id == header.id && answered.kind == MessageKind::kEventResponse, "the answer answers");
  if (dubbo::IsReadonlyEvent(header, input.subspan(dubbo::kHeaderBytes))) {
    Require(header.kind == MessageKind::kEvent, "readonly is an event");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const Bytes input(data, size);
  CheckPrefixes(input);
  const FrameHeader header = dubbo::ParseHeader(input);
  if (header.status == FrameStatus::kFrame) {
    CheckFrame(input, header);
  }
  return 0;
}
