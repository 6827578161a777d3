#include "protocol/thrift/thrift_codec.h"

#include <algorithm>
#include <array>

#include "base/big_endian.h"
#include "protocol/thrift/packed_message.h"
#include "protocol/thrift/varint.h"

namespace rpctee::protocol::thrift {
namespace {

constexpr size_t kFixedIdBytes = 4;

FrameHeader Describe(const Envelope& envelope) {
  FrameHeader header;
  header.status = envelope.status;
  header.error = envelope.error;
  header.frame_bytes = envelope.frame_bytes;
  if (envelope.status != FrameStatus::kFrame) {
    return header;
  }
  const bool has_header = envelope.wrapping == Wrapping::kHeader;
  header.id = has_header ? envelope.transport.sequence_id : envelope.message.sequence_id;
  header.serialization = has_header
                             ? static_cast<uint8_t>(std::min<uint32_t>(envelope.transport.protocol_id, UINT8_MAX))
                             : static_cast<uint8_t>(envelope.message.encoding);
  if (!envelope.is_hidden) {
    header.kind = KindOf(envelope.message.type);
    header.reply_status = header.kind == MessageKind::kResponse ? static_cast<uint8_t>(envelope.message.type) : 0;
  }
  return header;
}

FrameHeader RefuseUnframed() {
  FrameHeader header;
  header.status = FrameStatus::kMalformed;
  header.error = "the message has no frame";
  return header;
}

// A message whose id is in sight.
bool CanRename(const Envelope& envelope) { return envelope.status == FrameStatus::kFrame && !envelope.is_hidden; }

// `place`: all the bytes that the id has.
void WriteId(uint32_t id, Encoding encoding, std::span<uint8_t> place) {
  if (encoding == Encoding::kBinary) {
    WriteBe(id, place);
  } else {
    WriteVarint(id, place);
  }
}

}  // namespace

FrameHeader ParseFramed(Bytes bytes) {
  const Envelope envelope = OpenEnvelope(bytes);
  return envelope.wrapping == Wrapping::kUnframed ? RefuseUnframed() : Describe(envelope);
}

FrameHeader ParseFramedInflating(Bytes frame) {
  std::array<uint8_t, kUnpackedBytes> unpacked;
  Envelope envelope = OpenEnvelope(frame);
  if (envelope.wrapping == Wrapping::kUnframed) {
    return RefuseUnframed();
  }
  Unpack(envelope, frame, unpacked);
  return Describe(envelope);
}

bool RewriteId(std::span<uint8_t> message, uint32_t id) {
  const Envelope envelope = OpenEnvelope(message);
  const MessageHeader& header = envelope.message;
  if (!CanRename(envelope) || (header.encoding == Encoding::kCompact && VarintBytes(id) > header.sequence_bytes)) {
    return false;
  }
  WriteId(id, header.encoding, message.subspan(envelope.message_at + header.sequence_at, header.sequence_bytes));
  if (envelope.wrapping == Wrapping::kHeader) {
    WriteBe(id, message.subspan(kHeaderSequenceAt, kFixedIdBytes));
  }
  return true;
}

std::optional<size_t> CopyWithId(Bytes message, uint32_t id, std::span<uint8_t> copy) {
  const Envelope envelope = OpenEnvelope(message);
  if (!CanRename(envelope) || envelope.frame_bytes > message.size()) {
    return std::nullopt;
  }
  const MessageHeader& header = envelope.message;
  const size_t id_at = envelope.message_at + header.sequence_at;
  const size_t old_bytes = header.sequence_bytes;
  const size_t new_bytes = header.encoding == Encoding::kBinary ? old_bytes : std::max(old_bytes, VarintBytes(id));
  std::copy_n(message.begin(), id_at, copy.begin());
  WriteId(id, header.encoding, copy.subspan(id_at, new_bytes));
  const Bytes rest = message.subspan(id_at + old_bytes);
  std::copy(rest.begin(), rest.end(), copy.begin() + static_cast<std::ptrdiff_t>(id_at + new_bytes));
  if (envelope.wrapping != Wrapping::kUnframed) {
    WriteBe(envelope.frame_bytes - kFixedIdBytes + (new_bytes - old_bytes), copy.first(kFixedIdBytes));
  }
  if (envelope.wrapping == Wrapping::kHeader) {
    WriteBe(id, copy.subspan(kHeaderSequenceAt, kFixedIdBytes));
  }
  return message.size() + (new_bytes - old_bytes);
}

}  // namespace rpctee::protocol::thrift
