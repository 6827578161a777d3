#include "tap/record.h"

#include <array>
#include <cstring>
#include <optional>

#include "bpf/abi/abi.h"
#include "tap/maps.h"

namespace rpctee::tap {
namespace {

static_assert(static_cast<uint32_t>(CutReason::kNone) == RPCTEE_CUT_NONE);
static_assert(static_cast<uint32_t>(CutReason::kGap) == RPCTEE_CUT_GAP);
static_assert(static_cast<uint32_t>(CutReason::kRingFull) == RPCTEE_CUT_RING_FULL);
static_assert(static_cast<uint32_t>(CutReason::kFlowEnded) == RPCTEE_CUT_FLOW_ENDED);

static_assert(static_cast<uint32_t>(CapturedStream::Start::kFrame) == RPCTEE_START_FRAME);
static_assert(static_cast<uint32_t>(CapturedStream::Start::kFirstByte) == RPCTEE_START_FIRST_BYTE);
static_assert(static_cast<uint32_t>(CapturedStream::Start::kUnknown) == RPCTEE_START_UNKNOWN);

bool HasFrames(uint32_t content) { return content == RPCTEE_CONTENT_DUBBO || content == RPCTEE_CONTENT_THRIFT_FRAMED; }

bool IsValid(const rpctee_record& record, size_t payload_bytes) {
  const rpctee_part& part = record.part;
  if (record.content > RPCTEE_CONTENT_THRIFT_UNFRAMED || record.cut_reason > RPCTEE_CUT_FLOW_ENDED) {
    return false;
  }
  switch (record.kind) {
    case RPCTEE_RECORD_PART:
      return HasFrames(record.content) && payload_bytes <= RPCTEE_PART_MAX_BYTES && part.offset <= part.frame_bytes &&
             payload_bytes <= part.frame_bytes - part.offset;
    case RPCTEE_RECORD_CUT:
      return payload_bytes == 0 && record.cut_reason != RPCTEE_CUT_NONE;
    default:
      return false;
  }
}

bool IsValidStream(const rpctee_record& record, size_t payload_bytes) {
  if (record.content > RPCTEE_CONTENT_THRIFT_UNFRAMED) {
    return false;
  }
  switch (record.kind) {
    case RPCTEE_RECORD_STREAM_BEGIN:
      return payload_bytes == sizeof(rpctee_flow) && record.piece.start <= RPCTEE_START_UNKNOWN &&
             (record.piece.start != RPCTEE_START_FRAME || HasFrames(record.content));
    case RPCTEE_RECORD_STREAM_DATA:
      return payload_bytes != 0 && payload_bytes <= RPCTEE_PART_MAX_BYTES;
    case RPCTEE_RECORD_STREAM_END:
      return payload_bytes == 0 && HasFrames(record.content);
    default:
      return false;
  }
}

// The last `have` bytes of the number that the program shifts a header into.
std::array<uint8_t, RPCTEE_HEADER_BYTES_MAX> HeaderBytes(const rpctee_flow& flow) {
  std::array<uint8_t, RPCTEE_HEADER_BYTES_MAX> header{};
  for (uint32_t i = 0; i < flow.header_have; ++i) {
    const uint32_t from_end = flow.header_have - 1 - i;
    header.at(i) = static_cast<uint8_t>(flow.header[from_end < 8 ? 1 : 0] >> (from_end % 8 * 8));
  }
  return header;
}

std::optional<CapturedStream> ParseStream(const rpctee_record& head, Bytes payload) {
  CapturedStream stream;
  stream.flow_id = head.flow_id;
  FromKey(head.flow, stream.flow);
  stream.time_ns = head.time_ns;
  stream.seq = head.piece.seq;
  stream.holes = head.piece.holes;
  if (head.kind != RPCTEE_RECORD_STREAM_BEGIN) {
    stream.kind = head.kind == RPCTEE_RECORD_STREAM_DATA ? CapturedStream::Kind::kData : CapturedStream::Kind::kEnd;
    stream.bytes = payload;
    return stream;
  }
  rpctee_flow flow;
  std::memcpy(&flow, payload.data(), sizeof(flow));
  stream.kind = CapturedStream::Kind::kBegin;
  stream.start = static_cast<CapturedStream::Start>(head.piece.start);
  if (stream.start != CapturedStream::Start::kFrame) {
    return stream;
  }
  const uint32_t header_bytes =
      head.content == RPCTEE_CONTENT_DUBBO ? RPCTEE_DUBBO_HEADER_BYTES : RPCTEE_THRIFT_HEADER_BYTES;
  if (flow.frame_left > flow.frame_bytes || flow.header_have >= header_bytes) {
    return std::nullopt;
  }
  stream.protocol = static_cast<Content>(head.content);
  stream.frame_bytes = flow.frame_bytes;
  stream.frame_left = flow.frame_left;
  stream.copying = flow.copy_state == RPCTEE_COPY_ACTIVE;
  stream.draw = flow.draw;
  stream.request = flow.request;
  stream.header_have = flow.header_have;
  stream.header = HeaderBytes(flow);
  return stream;
}

// Every request comes this way: what is made of it is written once, where it is read.
void FillPart(const rpctee_record& head, Bytes payload, CapturedPart& part) {
  part.flow_id = head.flow_id;
  FromKey(head.flow, part.flow);
  part.time_ns = head.time_ns;
  part.protocol = static_cast<Content>(head.content);
  part.request = head.part.request;
  part.draw = head.part.draw;
  part.is_cut = head.kind == RPCTEE_RECORD_CUT;
  part.cut = static_cast<CutReason>(head.cut_reason);
  part.frame_bytes = head.part.frame_bytes;
  part.offset = head.part.offset;
  part.bytes = payload;
}

}  // namespace

bool ParseRecord(Bytes record, CapturedRecord& captured) {
  rpctee_record head;
  if (record.size() < sizeof(head)) {
    return false;
  }
  // Checked and used from this one copy.
  std::memcpy(&head, record.data(), sizeof(head));
  const Bytes payload = record.subspan(sizeof(head));
  if (IsValidStream(head, payload.size())) {
    const std::optional<CapturedStream> stream = ParseStream(head, payload);
    captured = stream ? CapturedRecord(*stream) : captured;
    return stream.has_value();
  }
  const bool is_valid = IsValid(head, payload.size());
  if (is_valid) {
    FillPart(head, payload, captured.emplace<CapturedPart>());
  }
  return is_valid;
}

}  // namespace rpctee::tap
