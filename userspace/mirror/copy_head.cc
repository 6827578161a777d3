#include "mirror/copy_head.h"

#include <algorithm>
#include <array>

#include "base/big_endian.h"
#include "protocol/dubbo/dubbo_codec.h"
#include "protocol/thrift/envelope.h"
#include "protocol/thrift/thrift_codec.h"
#include "protocol/thrift/varint.h"

namespace rpctee::mirror {
namespace {

using protocol::FrameStatus;
using protocol::MessageKind;
using protocol::thrift::Encoding;
using protocol::thrift::Envelope;
using protocol::thrift::Wrapping;

// A head that its first piece does not hold is put together from several.
constexpr size_t kMaxGatheredBytes = 2048;

bool IsRequest(MessageKind kind) { return kind == MessageKind::kRequest || kind == MessageKind::kOneway; }

std::optional<CopyHead> DubboHead(Bytes first, size_t bytes) {
  const protocol::FrameHeader header = protocol::dubbo::ParseHeader(first);
  if (header.status != FrameStatus::kFrame || header.frame_bytes != bytes || !IsRequest(header.kind)) {
    return std::nullopt;
  }
  return CopyHead{
      .wire = Wire::kDubbo, .bytes = bytes, .id_at = protocol::dubbo::kIdAt, .id_bytes = protocol::dubbo::kIdBytes};
}

Wire WireOf(const Envelope& envelope, Bytes first) {
  const bool is_binary = envelope.message.encoding == Encoding::kBinary;
  switch (envelope.wrapping) {
    case Wrapping::kUnframed:
      return is_binary ? Wire::kUnframedBinary : Wire::kUnframedCompact;
    case Wrapping::kHeader:
      return envelope.is_hidden ? Wire::kHeaderHidden : is_binary ? Wire::kHeaderBinary : Wire::kHeaderCompact;
    case Wrapping::kFramed:
      break;
  }
  if (!is_binary) {
    return Wire::kFramedCompact;
  }
  const bool has_version = first[envelope.message_at] == protocol::thrift::kBinaryFirstByte;
  return has_version ? Wire::kFramedBinary : Wire::kFramedOldBinary;
}

std::optional<CopyHead> ThriftHead(Bytes first, size_t bytes) {
  const Envelope envelope = protocol::thrift::OpenEnvelope(first);
  const bool is_whole = envelope.wrapping == Wrapping::kUnframed || envelope.frame_bytes == bytes;
  if (envelope.status != FrameStatus::kFrame || !is_whole) {
    return std::nullopt;
  }
  CopyHead head{.wire = WireOf(envelope, first), .bytes = bytes};
  if (!envelope.is_hidden) {
    if (!IsRequest(KindOf(envelope.message.type))) {
      return std::nullopt;
    }
    head.id_at = envelope.message_at + envelope.message.sequence_at;
    head.id_bytes = envelope.message.sequence_bytes;
  }
  return head;
}

std::optional<CopyHead> HeadOf(Content protocol, Bytes first, size_t bytes) {
  return protocol == Content::kDubbo ? DubboHead(first, bytes) : ThriftHead(first, bytes);
}

// Copies the bytes of the pieces from `skip` on, as many as fit.
void Gather(std::span<const Bytes> pieces, size_t skip, std::span<uint8_t> out) {
  for (const Bytes piece : pieces) {
    const size_t skipped = std::min(skip, piece.size());
    const size_t taken = std::min(piece.size() - skipped, out.size());
    std::copy_n(piece.begin() + static_cast<std::ptrdiff_t>(skipped), taken, out.begin());
    skip -= skipped;
    out = out.subspan(taken);
  }
}

bool IsCompact(Wire wire) {
  return wire == Wire::kFramedCompact || wire == Wire::kHeaderCompact || wire == Wire::kUnframedCompact;
}
bool HasTransportHeader(Wire wire) {
  return wire == Wire::kHeaderBinary || wire == Wire::kHeaderCompact || wire == Wire::kHeaderHidden;
}
bool HasThriftFrame(Wire wire) {
  return wire == Wire::kFramedBinary || wire == Wire::kFramedOldBinary || wire == Wire::kFramedCompact ||
         HasTransportHeader(wire);
}

constexpr size_t kWordBytes = 4;

}  // namespace

std::string_view ProtocolName(Wire wire) { return wire == Wire::kDubbo ? "Dubbo" : "Thrift"; }

std::optional<CopyHead> ReadHead(const Copy& copy) {
  if (copy.pieces.empty()) {
    return std::nullopt;
  }
  const size_t bytes = BytesOf(copy);
  const auto head = HeadOf(copy.protocol, copy.pieces.front(), bytes);
  if (head || copy.pieces.size() == 1) {
    return head;
  }
  std::array<uint8_t, kMaxGatheredBytes> gathered;
  const std::span<uint8_t> start = std::span(gathered).first(std::min(bytes, gathered.size()));
  Gather(copy.pieces, 0, start);
  return HeadOf(copy.protocol, start, bytes);
}

size_t BytesWithId(const CopyHead& head, uint64_t id) {
  if (!IsCompact(head.wire)) {
    return head.bytes;
  }
  return head.bytes - head.id_bytes + protocol::thrift::VarintBytes(static_cast<uint32_t>(id));
}

void WriteCopy(const Copy& copy, const CopyHead& head, uint64_t id, std::span<uint8_t> out) {
  if (IsCompact(head.wire)) {
    const size_t id_bytes = head.id_bytes + out.size() - head.bytes;
    Gather(copy.pieces, 0, out.first(head.id_at));
    protocol::thrift::WriteVarint(static_cast<uint32_t>(id), out.subspan(head.id_at, id_bytes));
    Gather(copy.pieces, head.id_at + head.id_bytes, out.subspan(head.id_at + id_bytes));
  } else {
    Gather(copy.pieces, 0, out);
    WriteBe(id, out.subspan(head.id_at, head.id_bytes));
  }
  if (HasThriftFrame(head.wire)) {
    WriteBe(out.size() - kWordBytes, out.first(kWordBytes));
  }
  if (HasTransportHeader(head.wire) && !IsOrdered(head.wire)) {
    WriteBe(id, out.subspan(protocol::thrift::kHeaderSequenceAt, kWordBytes));
  }
}

}  // namespace rpctee::mirror
