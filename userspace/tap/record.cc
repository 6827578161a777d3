#include "tap/record.h"

#include <cstring>

#include "bpf/abi/abi.h"
#include "tap/maps.h"

namespace rpctee::tap {
namespace {

static_assert(static_cast<uint32_t>(CutReason::kNone) == RPCTEE_CUT_NONE);
static_assert(static_cast<uint32_t>(CutReason::kGap) == RPCTEE_CUT_GAP);
static_assert(static_cast<uint32_t>(CutReason::kRingFull) == RPCTEE_CUT_RING_FULL);
static_assert(static_cast<uint32_t>(CutReason::kFlowEnded) == RPCTEE_CUT_FLOW_ENDED);

bool IsValid(const rpctee_record& record, size_t payload_bytes) {
  if (record.protocol != RPCTEE_PROTOCOL_DUBBO || record.cut_reason > RPCTEE_CUT_FLOW_ENDED) {
    return false;
  }
  if (record.part_bytes > payload_bytes || record.offset > record.frame_bytes ||
      record.part_bytes > record.frame_bytes - record.offset) {
    return false;
  }
  switch (record.kind) {
    case RPCTEE_RECORD_PART:
      return record.part_bytes <= RPCTEE_PART_MAX_BYTES;
    case RPCTEE_RECORD_CUT:
      return record.part_bytes == 0 && record.cut_reason != RPCTEE_CUT_NONE;
    default:
      return false;
  }
}

}  // namespace

std::optional<CapturedPart> ParseRecord(Bytes record) {
  rpctee_record head;
  if (record.size() < sizeof(head)) {
    return std::nullopt;
  }
  // Checked and used from this one copy.
  std::memcpy(&head, record.data(), sizeof(head));
  if (!IsValid(head, record.size() - sizeof(head))) {
    return std::nullopt;
  }
  return CapturedPart{.flow_id = head.flow_id,
                      .flow = FromKey(head.flow),
                      .time_ns = head.time_ns,
                      .request = head.request,
                      .draw = head.draw,
                      .is_cut = head.kind == RPCTEE_RECORD_CUT,
                      .cut = static_cast<CutReason>(head.cut_reason),
                      .frame_bytes = head.frame_bytes,
                      .offset = head.offset,
                      .bytes = record.subspan(sizeof(head), head.part_bytes)};
}

}  // namespace rpctee::tap
