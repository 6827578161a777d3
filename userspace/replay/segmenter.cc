#include "replay/segmenter.h"

#include <algorithm>

namespace rpctee::replay {
namespace {

constexpr uint8_t kFin = 0x01;
constexpr uint8_t kSyn = 0x02;
constexpr uint8_t kRst = 0x04;
constexpr uint8_t kPsh = 0x08;
constexpr uint8_t kUrg = 0x20;
constexpr uint8_t kCwr = 0x80;
constexpr size_t kTcpFlagsOffset = 13;

uint16_t Get16(const uint8_t* at) { return static_cast<uint16_t>(at[0] << 8 | at[1]); }

void Put16(uint8_t* at, size_t value) {
  at[0] = static_cast<uint8_t>(value >> 8);
  at[1] = static_cast<uint8_t>(value);
}

void Put32(uint8_t* at, uint32_t value) {
  Put16(at, value >> 16);
  Put16(at + 2, value & 0xffff);
}

// RFC 1071, over a header of an even number of bytes whose checksum field is zero.
uint16_t InternetChecksum(Bytes header) {
  uint32_t sum = 0;
  for (size_t i = 0; i + 1 < header.size(); i += 2) {
    sum += Get16(&header[i]);
  }
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(~sum);
}

void FixIp(uint8_t* ip, const TcpLayout& layout, size_t packet_bytes, size_t piece_number) {
  if (layout.is_v6) {
    Put16(ip + 4, packet_bytes - 40);
    return;
  }
  Put16(ip + 2, packet_bytes);
  Put16(ip + 4, Get16(ip + 4) + piece_number);
  Put16(ip + 10, 0);
  Put16(ip + 10, InternetChecksum(Bytes(ip, layout.ip_header_bytes)));
}

}  // namespace

void Segmenter::Rewrite(Bytes frame, const Emit& emit) {
  if (++packets_ < options_.first_packet) {
    return;
  }
  const size_t limit = options_.max_segment_bytes;
  const auto layout = limit == 0 ? std::nullopt : FindTcp(frame);
  if (!layout || layout->payload_bytes <= limit || (frame[layout->tcp_offset + kTcpFlagsOffset] & (kRst | kUrg)) != 0) {
    emit(frame);
    return;
  }
  for (size_t offset = 0; offset < layout->payload_bytes; offset += limit) {
    EmitPiece(frame, *layout, offset, std::min(limit, layout->payload_bytes - offset), emit);
  }
}

void Segmenter::EmitPiece(Bytes frame, const TcpLayout& layout, size_t offset, size_t count, const Emit& emit) {
  const Bytes headers = frame.first(layout.payload_offset);
  const Bytes payload = frame.subspan(layout.payload_offset + offset, count);
  piece_.assign(headers.begin(), headers.end());
  piece_.insert(piece_.end(), payload.begin(), payload.end());

  FixIp(&piece_[layout.ip_offset], layout, piece_.size() - layout.ip_offset, offset / options_.max_segment_bytes);
  uint8_t* tcp = &piece_[layout.tcp_offset];
  uint8_t& flags = tcp[kTcpFlagsOffset];
  const bool is_first = offset == 0;
  const bool is_last = offset + count == layout.payload_bytes;
  if (!is_first) {
    // A SYN takes one sequence number before the payload (RFC 9293, 3.4).
    const uint32_t syn = (flags & kSyn) != 0 ? 1 : 0;
    Put32(tcp + 4, ByteReader(frame.subspan(layout.tcp_offset + 4)).Be32() + syn + static_cast<uint32_t>(offset));
  }
  const uint8_t removed = static_cast<uint8_t>((is_first ? 0 : kSyn | kCwr) | (is_last ? 0 : kPsh | kFin));
  flags = static_cast<uint8_t>(flags & ~removed);
  emit(piece_);
}

}  // namespace rpctee::replay
