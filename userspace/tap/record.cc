#include "tap/record.h"

#include <array>
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

bool IsValidStream(const rpctee_record& record, size_t payload_bytes) {
  if (record.protocol != RPCTEE_PROTOCOL_DUBBO || record.part_bytes > payload_bytes) {
    return false;
  }
  switch (record.kind) {
    case RPCTEE_RECORD_STREAM_BEGIN:
      return record.part_bytes == sizeof(rpctee_flow);
    case RPCTEE_RECORD_STREAM_DATA:
      return record.part_bytes != 0 && record.part_bytes <= RPCTEE_PART_MAX_BYTES;
    case RPCTEE_RECORD_STREAM_END:
      return record.part_bytes == 0;
    default:
      return false;
  }
}

// The last `have` bytes of the number that the program shifts a header into.
std::array<uint8_t, RPCTEE_DUBBO_HEADER_BYTES> HeaderBytes(const rpctee_flow& flow) {
  std::array<uint8_t, RPCTEE_DUBBO_HEADER_BYTES> header{};
  for (uint32_t i = 0; i < flow.header_have; ++i) {
    const uint32_t from_end = flow.header_have - 1 - i;
    header.at(i) = static_cast<uint8_t>(flow.header[from_end < 8 ? 1 : 0] >> (from_end % 8 * 8));
  }
  return header;
}

std::optional<CapturedStream> ParseStream(const rpctee_record& head, Bytes payload) {
  CapturedStream stream;
  stream.flow_id = head.flow_id;
  stream.flow = FromKey(head.flow);
  stream.time_ns = head.time_ns;
  stream.seq = head.seq;
  stream.holes = head.holes;
  if (head.kind != RPCTEE_RECORD_STREAM_BEGIN) {
    stream.kind = head.kind == RPCTEE_RECORD_STREAM_DATA ? CapturedStream::Kind::kData : CapturedStream::Kind::kEnd;
    stream.bytes = payload;
    return stream;
  }
  rpctee_flow flow;
  std::memcpy(&flow, payload.data(), sizeof(flow));
  if (flow.frame_left > flow.frame_bytes || flow.header_have >= RPCTEE_DUBBO_HEADER_BYTES) {
    return std::nullopt;
  }
  stream.kind = CapturedStream::Kind::kBegin;
  stream.frame_bytes = flow.frame_bytes;
  stream.frame_left = flow.frame_left;
  stream.copying = flow.copy_state == RPCTEE_COPY_ACTIVE;
  stream.draw = flow.draw;
  stream.request = flow.request;
  stream.header_have = flow.header_have;
  stream.header = HeaderBytes(flow);
  return stream;
}

}  // namespace

std::optional<CapturedRecord> ParseRecord(Bytes record) {
  rpctee_record head;
  if (record.size() < sizeof(head)) {
    return std::nullopt;
  }
  // Checked and used from this one copy.
  std::memcpy(&head, record.data(), sizeof(head));
  const size_t payload_bytes = record.size() - sizeof(head);
  if (IsValidStream(head, payload_bytes)) {
    const std::optional<CapturedStream> stream = ParseStream(head, record.subspan(sizeof(head), head.part_bytes));
    return stream ? std::optional<CapturedRecord>(*stream) : std::nullopt;
  }
  if (!IsValid(head, payload_bytes)) {
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
