#include "protocol/framing.h"

#include "protocol/dubbo/dubbo_codec.h"

namespace rpctee::protocol {
namespace {

constexpr size_t kThriftHeaderBytes = 4;
static_assert(dubbo::kHeaderBytes <= kMaxHeaderBytes && kThriftHeaderBytes <= kMaxHeaderBytes);

std::optional<FrameMeasure> MeasureDubbo(Bytes header) {
  const FrameHeader parsed = dubbo::ParseHeader(header);
  if (parsed.status != FrameStatus::kFrame) {
    return std::nullopt;
  }
  return FrameMeasure{.frame_bytes = static_cast<uint32_t>(parsed.frame_bytes), .kind = parsed.kind};
}

std::optional<FrameMeasure> MeasureThrift(Bytes header) {
  ByteReader reader(header);
  const uint32_t message_bytes = reader.Be32();
  if (message_bytes == 0 || message_bytes > kMaxBodyBytes) {
    return std::nullopt;
  }
  return FrameMeasure{.frame_bytes = static_cast<uint32_t>(kThriftHeaderBytes) + message_bytes};
}

}  // namespace

size_t HeaderBytes(Content protocol) {
  switch (protocol) {
    case Content::kDubbo:
      return dubbo::kHeaderBytes;
    case Content::kThriftFramed:
      return kThriftHeaderBytes;
    default:
      return 0;
  }
}

std::optional<FrameMeasure> MeasureFrame(Content protocol, Bytes header) {
  switch (protocol) {
    case Content::kDubbo:
      return MeasureDubbo(header);
    case Content::kThriftFramed:
      return MeasureThrift(header);
    default:
      return std::nullopt;
  }
}

}  // namespace rpctee::protocol
