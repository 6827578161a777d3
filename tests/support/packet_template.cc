#include "support/packet_template.h"

#include <algorithm>

namespace rpctee::test {
namespace {

constexpr size_t kIpv6HeaderBytes = 40;

void Set16(ByteVector& bytes, size_t at, size_t value) {
  bytes[at] = static_cast<uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<uint8_t>(value);
}

uint32_t TypeAt(const ByteVector& bytes, size_t at) { return static_cast<uint32_t>(bytes[at] << 8 | bytes[at + 1]); }

}  // namespace

PacketTemplate::PacketTemplate(const TcpPacket& packet) : headers_(packet.Build()) {
  ip_ = 14;
  while (TypeAt(headers_, ip_ - 2) == 0x8100 || TypeAt(headers_, ip_ - 2) == 0x88a8) {
    ip_ += 4;
  }
  is_v4_ = headers_[ip_] >> 4 == 4;
  if (is_v4_) {
    tcp_ = ip_ + (headers_[ip_] & size_t{15}) * 4;
    return;
  }
  uint8_t next = headers_[ip_ + 6];
  tcp_ = ip_ + kIpv6HeaderBytes;
  while (next == kHopByHop || next == kRouting || next == kDestinationOptions) {
    next = headers_[tcp_];
    tcp_ += (headers_[tcp_ + 1] + size_t{1}) * 8;
  }
}

void PacketTemplate::SetSource(const SocketAddress& source) {
  const Bytes all(source.ip.bytes);
  const Bytes address = is_v4_ ? all.last(4) : all;
  std::copy(address.begin(), address.end(), headers_.begin() + static_cast<std::ptrdiff_t>(ip_ + (is_v4_ ? 12 : 8)));
  Set16(headers_, tcp_, source.port);
}

ByteVector PacketTemplate::Packet(uint32_t seq, uint8_t flags, Bytes payload) const {
  ByteVector packet;
  packet.reserve(headers_.size() + payload.size());
  packet.assign(headers_.begin(), headers_.end());
  packet.insert(packet.end(), payload.begin(), payload.end());
  Set16(packet, ip_ + (is_v4_ ? 2 : 4), packet.size() - ip_ - (is_v4_ ? 0 : kIpv6HeaderBytes));
  Set16(packet, tcp_ + 4, seq >> 16);
  Set16(packet, tcp_ + 6, seq);
  packet[tcp_ + 13] = flags;
  return packet;
}

}  // namespace rpctee::test
