#include "model/stream_agent.h"

#include "tap/maps.h"
#include "tap/record.h"

namespace rpctee::test {
namespace {

rpctee_handback WordOn(uint64_t flow_id, rpctee_word word, uint32_t holes, Content content = Content::kUnknown) {
  return {.flow_id = flow_id,
          .holes = holes,
          .word = static_cast<uint8_t>(word),
          .content = static_cast<uint8_t>(content),
          .zero = 0};
}

}  // namespace

bool StreamAgent::Drain() {
  bool is_readable = true;
  tap_.TakeRecords([&](Bytes bytes) {
    CapturedRecord record;
    if (!tap::ParseRecord(bytes, record)) {
      is_readable = false;
    } else if (const auto* part = std::get_if<CapturedPart>(&record)) {
      reassembler_.Take(*part, now_);
    } else {
      reassembler_.Take(std::get<CapturedStream>(record), now_);
    }
  });
  return is_readable;
}

void StreamAgent::Wait(Duration time) {
  now_ += time;
  reassembler_.Expire(now_);
}

void StreamAgent::OnMended(const Flow& flow, uint64_t flow_id, uint32_t holes, Content protocol) {
  tap_.Say(tap::ToKey(flow), WordOn(flow_id, RPCTEE_WORD_TAKE_BACK, holes, protocol));
}

void StreamAgent::OnGivenUp(const Flow& flow, uint64_t flow_id, uint32_t holes) {
  tap_.Say(tap::ToKey(flow), WordOn(flow_id, RPCTEE_WORD_GIVE_UP, holes));
}

void StreamAgent::OnTaken(const Flow& flow, uint64_t flow_id, uint32_t holes) {
  tap_.Say(tap::ToKey(flow), WordOn(flow_id, RPCTEE_WORD_GO_ON, holes));
}

void StreamAgent::OnIgnored(const Flow& flow, uint64_t flow_id, uint32_t holes, Content kind) {
  tap_.Say(tap::ToKey(flow), WordOn(flow_id, RPCTEE_WORD_IGNORE, holes, kind));
}

void StreamAgent::OnFrame(const stream::Frame& frame) {
  ++came_out_;
  frames_.emplace_back(frame.bytes.begin(), frame.bytes.end());
}

}  // namespace rpctee::test
