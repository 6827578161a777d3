#include "replay/tcp_layout.h"

namespace rpctee::replay {
namespace {

constexpr size_t kMacBytes = 12;
constexpr size_t kMaxVlanTags = 4;
constexpr size_t kMaxExtensionHeaders = 8;
constexpr size_t kIpv6HeaderBytes = 40;
constexpr uint8_t kProtocolTcp = 6;
constexpr uint16_t kFragmentMask = 0x3fff;  // more-fragments flag and offset

struct IpPacket {
  size_t header_bytes = 0;
  size_t packet_bytes = 0;
};

bool IsVlanTag(uint16_t ethertype) { return ethertype == 0x8100 || ethertype == 0x88a8; }

std::optional<IpPacket> ReadIpv4(Bytes packet) {
  ByteReader reader(packet);
  const uint8_t version_and_length = reader.U8();
  reader.Skip(1);
  const uint16_t total_bytes = reader.Be16();
  reader.Skip(2);
  const uint16_t fragment = reader.Be16();
  reader.Skip(1);
  const uint8_t protocol = reader.U8();
  const size_t header_bytes = size_t{version_and_length & 0xfU} * 4;
  if (reader.failed() || version_and_length >> 4 != 4 || header_bytes < 20 || protocol != kProtocolTcp ||
      (fragment & kFragmentMask) != 0) {
    return std::nullopt;
  }
  return IpPacket{header_bytes, total_bytes == 0 ? packet.size() : total_bytes};
}

bool IsExtensionHeader(uint8_t next) { return next == 0 || next == 43 || next == 60; }

std::optional<IpPacket> ReadIpv6(Bytes packet) {
  ByteReader reader(packet);
  const uint8_t version = reader.U8() >> 4;
  reader.Skip(3);
  const uint16_t payload_bytes = reader.Be16();
  uint8_t next = reader.U8();
  reader.Skip(33);
  for (size_t i = 0; i < kMaxExtensionHeaders && IsExtensionHeader(next); ++i) {
    next = reader.U8();
    const size_t units = reader.U8();
    reader.Skip(units * 8 + 6);
  }
  if (reader.failed() || version != 6 || payload_bytes == 0 || next != kProtocolTcp) {
    return std::nullopt;
  }
  return IpPacket{reader.position(), kIpv6HeaderBytes + payload_bytes};
}

}  // namespace

std::optional<TcpLayout> FindTcp(Bytes frame) {
  ByteReader reader(frame);
  reader.Skip(kMacBytes);
  uint16_t ethertype = reader.Be16();
  for (size_t i = 0; i < kMaxVlanTags && IsVlanTag(ethertype); ++i) {
    reader.Skip(2);
    ethertype = reader.Be16();
  }
  if (reader.failed() || (ethertype != 0x0800 && ethertype != 0x86dd)) {
    return std::nullopt;
  }
  TcpLayout layout;
  layout.is_v6 = ethertype == 0x86dd;
  layout.ip_offset = reader.position();
  const Bytes packet = frame.subspan(layout.ip_offset);
  const std::optional<IpPacket> ip = layout.is_v6 ? ReadIpv6(packet) : ReadIpv4(packet);
  if (!ip || ip->packet_bytes > packet.size()) {
    return std::nullopt;
  }
  reader.Skip(ip->header_bytes);
  layout.ip_header_bytes = ip->header_bytes;
  layout.tcp_offset = reader.position();
  reader.Skip(12);
  const size_t tcp_header_bytes = size_t{reader.U8()} / 16 * 4;
  layout.payload_offset = layout.tcp_offset + tcp_header_bytes;
  const size_t end = layout.ip_offset + ip->packet_bytes;
  if (reader.failed() || tcp_header_bytes < 20 || layout.payload_offset > end) {
    return std::nullopt;
  }
  layout.payload_bytes = end - layout.payload_offset;
  return layout;
}

}  // namespace rpctee::replay
