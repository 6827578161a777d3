#include "protocol/thrift/envelope.h"

#include <limits>

#include "protocol/codec.h"

namespace rpctee::protocol::thrift {
namespace {

constexpr size_t kLengthBytes = 4;
constexpr uint8_t kHeaderMagicHigh = kHeaderMagic >> 8;

constexpr std::string_view kBadLength = "the frame length is negative, zero or more than 256 MiB";
constexpr std::string_view kOtherEncoding = "the message is not in the encoding that the header names";

void SetMessage(Envelope& envelope, Bytes bytes, size_t at, uint64_t message_bytes) {
  envelope.message_at = at;
  envelope.message = ParseMessageHeader(bytes.size() > at ? bytes.subspan(at) : Bytes{}, message_bytes);
  envelope.status = envelope.message.status;
  envelope.error = envelope.message.error;
}

void OpenHeader(Envelope& envelope, Bytes bytes) {
  envelope.wrapping = Wrapping::kHeader;
  envelope.transport = ParseTransportHeader(bytes, envelope.frame_bytes);
  envelope.message_at = envelope.transport.message_at;
  envelope.status = envelope.transport.status;
  envelope.error = envelope.transport.error;
  if (envelope.status != FrameStatus::kFrame) {
    return;
  }
  const auto encoding = EncodingOf(envelope.transport.protocol_id);
  envelope.is_hidden = envelope.transport.transform_count > 0 || !encoding;
  if (envelope.is_hidden) {
    return;
  }
  SetMessage(envelope, bytes, envelope.message_at, envelope.frame_bytes - envelope.message_at);
  if (envelope.status == FrameStatus::kFrame && envelope.message.encoding != *encoding) {
    envelope.status = FrameStatus::kMalformed;
    envelope.error = kOtherEncoding;
  }
}

}  // namespace

std::optional<uint64_t> FramedLength(Bytes first_four) {
  ByteReader reader(first_four);
  const uint32_t length = reader.Be32();
  if (reader.failed() || length == 0 || length > kMaxBodyBytes) {
    return std::nullopt;
  }
  return kLengthBytes + uint64_t{length};
}

std::optional<Encoding> EncodingOf(uint32_t protocol_id) {
  switch (protocol_id) {
    case static_cast<uint32_t>(Encoding::kBinary):
      return Encoding::kBinary;
    case static_cast<uint32_t>(Encoding::kCompact):
      return Encoding::kCompact;
    default:
      return std::nullopt;
  }
}

Envelope OpenEnvelope(Bytes bytes) {
  Envelope envelope;
  if (bytes.empty()) {
    return envelope;
  }
  // A frame's length never begins so.
  if (bytes[0] == kBinaryFirstByte || bytes[0] == kCompactFirstByte) {
    envelope.wrapping = Wrapping::kUnframed;
    SetMessage(envelope, bytes, 0, std::numeric_limits<uint64_t>::max());
    return envelope;
  }
  if (bytes.size() < kLengthBytes) {
    return envelope;
  }
  const auto frame_bytes = FramedLength(bytes);
  if (!frame_bytes) {
    envelope.status = FrameStatus::kMalformed;
    envelope.error = kBadLength;
    return envelope;
  }
  envelope.frame_bytes = *frame_bytes;
  if (bytes.size() > kLengthBytes && bytes[kLengthBytes] == kHeaderMagicHigh) {
    OpenHeader(envelope, bytes);
  } else {
    SetMessage(envelope, bytes, kLengthBytes, *frame_bytes - kLengthBytes);
  }
  return envelope;
}

}  // namespace rpctee::protocol::thrift
