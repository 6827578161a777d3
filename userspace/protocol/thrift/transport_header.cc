#include "protocol/thrift/transport_header.h"

#include "protocol/thrift/varint.h"

namespace rpctee::protocol::thrift {
namespace {

constexpr size_t kFlagsBytes = 2;
constexpr size_t kWordBytes = 4;
// Apache Thrift's own limit.
constexpr size_t kMaxWords = 16383;

constexpr std::string_view kWrongMagic = "the magic is not 0f ff";
constexpr std::string_view kWrongSize = "the size of the header does not fit the frame";
constexpr std::string_view kBadProtocol = "the header names no protocol";
constexpr std::string_view kBadTransforms = "the list of transforms can't be read";

// The part of the header with a variable length. Returns what is wrong with it, or nothing.
std::string_view ReadVariablePart(Bytes part, TransportHeader& header) {
  ByteReader reader(part);
  const auto protocol = ReadVarint32(reader);
  if (!protocol) {
    return kBadProtocol;
  }
  header.protocol_id = *protocol;
  const auto transforms = ReadVarint32(reader);
  if (!transforms || *transforms > kMaxTransforms) {
    return kBadTransforms;
  }
  header.transform_count = *transforms;
  for (size_t i = 0; i < *transforms; ++i) {
    const auto transform = ReadVarint32(reader);
    if (!transform) {
      return kBadTransforms;
    }
    header.transforms[i] = *transform;
  }
  header.info = part.subspan(reader.position());
  return {};
}

TransportHeader Malformed(std::string_view error) {
  TransportHeader header;
  header.status = FrameStatus::kMalformed;
  header.error = error;
  return header;
}

}  // namespace

TransportHeader ParseTransportHeader(Bytes bytes, uint64_t frame_bytes) {
  if (frame_bytes < kHeaderFixedBytes + kWordBytes) {
    return Malformed(kWrongSize);
  }
  TransportHeader header;
  ByteReader reader(bytes);
  reader.Skip(kHeaderMagicAt);
  const uint16_t magic = reader.Be16();
  if (!reader.failed() && magic != kHeaderMagic) {
    return Malformed(kWrongMagic);
  }
  reader.Skip(kFlagsBytes);
  header.sequence_id = reader.Be32();
  const size_t words = reader.Be16();
  if (reader.failed()) {
    return header;
  }
  const size_t variable_bytes = kWordBytes * words;
  if (words > kMaxWords || variable_bytes > frame_bytes - kHeaderFixedBytes) {
    return Malformed(kWrongSize);
  }
  const Bytes variable_part = reader.Take(variable_bytes);
  if (reader.failed()) {
    return header;
  }
  header.message_at = reader.position();
  header.error = ReadVariablePart(variable_part, header);
  header.status = header.error.empty() ? FrameStatus::kFrame : FrameStatus::kMalformed;
  return header;
}

}  // namespace rpctee::protocol::thrift
