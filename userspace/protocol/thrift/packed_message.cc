#include "protocol/thrift/packed_message.h"

#include <algorithm>
#include <limits>

#include "protocol/thrift/inflate.h"

namespace rpctee::protocol::thrift {

bool IsPacked(const Envelope& envelope) {
  const TransportHeader& transport = envelope.transport;
  return envelope.status == FrameStatus::kFrame && envelope.is_hidden && EncodingOf(transport.protocol_id) &&
         transport.transform_count == 1 && transport.transforms[0] == kTransformZlib;
}

void Unpack(Envelope& envelope, Bytes frame, std::span<uint8_t> unpacked) {
  if (!IsPacked(envelope)) {
    return;
  }
  const auto end = static_cast<size_t>(std::min<uint64_t>(envelope.frame_bytes, frame.size()));
  const Bytes packed = frame.subspan(envelope.message_at, end - envelope.message_at);
  const MessageHeader message =
      ParseMessageHeader(InflatePrefix(packed, unpacked), std::numeric_limits<uint64_t>::max());
  if (message.status == FrameStatus::kFrame && message.encoding == EncodingOf(envelope.transport.protocol_id)) {
    envelope.message = message;
    envelope.is_hidden = false;
  }
}

}  // namespace rpctee::protocol::thrift
