#include "protocol/thrift/reply.h"

#include <array>

#include "protocol/thrift/envelope.h"
#include "protocol/thrift/packed_message.h"
#include "protocol/thrift/varint.h"
#include "protocol/thrift/wire_shape.h"

namespace rpctee::protocol::thrift {
namespace {

// The id of the field that begins a struct; 0 also for a struct without fields.
std::optional<uint32_t> FirstField(Encoding encoding, Bytes fields) {
  ByteReader reader(fields);
  const uint8_t type = reader.U8();
  if (reader.failed()) {
    return std::nullopt;
  }
  if (IsStop(encoding, type)) {
    return 0;
  }
  if (encoding == Encoding::kCompact) {
    const uint32_t step = CompactUpperHalf(type);
    return step != 0 ? step : ReadVarint32(reader);
  }
  const uint32_t id = reader.Be16();
  return reader.failed() ? std::nullopt : std::optional(id);
}

ReplyKind KindOf(const MessageHeader& message, Bytes bytes) {
  switch (message.type) {
    case MessageType::kException:
      return ReplyKind::kServerException;
    case MessageType::kCall:
    case MessageType::kOneway:
      return ReplyKind::kNoReply;
    case MessageType::kReply:
      break;
  }
  const auto field = FirstField(message.encoding, bytes.subspan(message.header_bytes));
  if (!field) {
    return ReplyKind::kUnreadable;
  }
  return *field == 0 ? ReplyKind::kResult : ReplyKind::kDeclaredException;
}

}  // namespace

Reply ReadReply(Bytes head) {
  Envelope envelope = OpenEnvelope(head);
  const bool has_header = envelope.wrapping == Wrapping::kHeader;
  Reply reply;
  reply.status = envelope.status;
  reply.error = envelope.error;
  reply.id = has_header ? envelope.transport.sequence_id : envelope.message.sequence_id;
  if (envelope.status != FrameStatus::kFrame) {
    return reply;
  }
  std::array<uint8_t, kUnpackedBytes> unpacked;
  const bool is_packed = IsPacked(envelope);
  if (is_packed) {
    unpacked.fill(0);
    Unpack(envelope, head, unpacked);
  }
  if (!envelope.is_hidden) {
    reply.kind = KindOf(envelope.message, is_packed ? Bytes(unpacked) : head.subspan(envelope.message_at));
  }
  return reply;
}

}  // namespace rpctee::protocol::thrift
