#include "protocol/dubbo/dubbo_codec.h"

#include <string_view>

#include "base/big_endian.h"

namespace rpctee::protocol::dubbo {
namespace {

constexpr uint8_t kMagicHigh = 0xda;
constexpr uint8_t kMagicLow = 0xbb;
constexpr uint8_t kRequestFlag = 0x80;
constexpr uint8_t kTwoWayFlag = 0x40;
constexpr uint8_t kEventFlag = 0x20;
constexpr uint8_t kSerializationMask = 0x1f;

constexpr size_t kLengthAt = 12;

constexpr uint8_t kHessian2Null = 0x4e;

MessageKind KindOf(uint8_t flags) {
  if ((flags & kRequestFlag) == 0) {
    return (flags & kEventFlag) != 0 ? MessageKind::kEventResponse : MessageKind::kResponse;
  }
  const bool two_way = (flags & kTwoWayFlag) != 0;
  if ((flags & kEventFlag) != 0) {
    return two_way ? MessageKind::kHeartbeat : MessageKind::kEvent;
  }
  return two_way ? MessageKind::kRequest : MessageKind::kOneway;
}

// As far as it is there.
uint32_t BodyBytes(Bytes header) {
  ByteReader reader(header);
  reader.Skip(kLengthAt);
  return header.size() < kHeaderBytes ? 0 : reader.Be32();
}

// Why these first bytes can't be a header, empty while they can.
std::string_view HeaderError(Bytes bytes) {
  if ((!bytes.empty() && bytes[0] != kMagicHigh) || (bytes.size() > 1 && bytes[1] != kMagicLow)) {
    return "the magic is not da bb";
  }
  if (bytes.size() > kLengthAt && (bytes[kLengthAt] > kMaxBodyBytes >> 24 || BodyBytes(bytes) > kMaxBodyBytes)) {
    return "the body length is negative or more than 256 MiB";
  }
  return {};
}

}  // namespace

FrameHeader ParseHeader(Bytes bytes) {
  FrameHeader header;
  header.error = HeaderError(bytes);
  if (!header.error.empty()) {
    header.status = FrameStatus::kMalformed;
    return header;
  }
  if (bytes.size() < kHeaderBytes) {
    return header;
  }
  ByteReader reader(bytes);
  reader.Skip(2);
  const uint8_t flags = reader.U8();
  header.status = FrameStatus::kFrame;
  header.kind = KindOf(flags);
  header.serialization = flags & kSerializationMask;
  header.reply_status = reader.U8();
  header.id = reader.Be64();
  header.frame_bytes = kHeaderBytes + uint64_t{reader.Be32()};
  return header;
}

void RewriteId(std::span<uint8_t> frame, uint64_t id) { WriteBe(id, frame.subspan(kIdAt, kIdBytes)); }

std::array<uint8_t, kHeaderBytes + 1> HeartbeatAnswer(const FrameHeader& heartbeat) {
  std::array<uint8_t, kHeaderBytes + 1> answer = {kMagicHigh, kMagicLow, kEventFlag | kSerializationHessian2,
                                                  kStatusOk};
  RewriteId(answer, heartbeat.id);
  answer[kHeaderBytes - 1] = 1;
  answer[kHeaderBytes] = kHessian2Null;
  return answer;
}

bool IsReadonlyEvent(const FrameHeader& header, Bytes body) {
  if (header.status != FrameStatus::kFrame || header.kind != MessageKind::kEvent) {
    return false;
  }
  const std::string_view text = AsText(body);
  switch (header.serialization) {
    case kSerializationHessian2:
      return text == std::string_view("\x01R", 2);
    case kSerializationFastjson:
      return text == "\"R\"\n";
    case kSerializationFastjson2:
      return text == std::string_view("\x00\x00\x00\x02\x4aR", 6);
    default:
      return false;
  }
}

}  // namespace rpctee::protocol::dubbo
