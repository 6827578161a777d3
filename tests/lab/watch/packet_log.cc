#include "packet_log.h"

#include <netinet/in.h>

#include "digest.h"
#include "fmt/format.h"

namespace rpctee::watch {
namespace {

constexpr size_t kIpv4Ttl = 8;
constexpr size_t kIpv4Checksum = 10;
constexpr size_t kIpv6HopLimit = 7;

std::string Hex(Bytes bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

}  // namespace

void PacketLog::Add(Bytes packet) {
  if (packet.empty()) {
    return;
  }
  const bool ipv6 = packet[0] >> 4 == 6;
  const size_t header = ipv6 ? 40 : (packet[0] & 0xfU) * 4;
  const size_t address = ipv6 ? 16 : 4;
  const size_t source = ipv6 ? 8 : 12;
  if (packet.size() < header + 4 || header < source + 2 * address || packet[ipv6 ? 6 : 9] != IPPROTO_TCP) {
    return;
  }
  ByteReader ports(packet.subspan(header, 4));
  const uint16_t from = ports.Be16();
  const uint16_t to = ports.Be16();
  if (from != port_ && to != port_) {
    return;
  }
  changed_ = AsText(packet);
  changed_[ipv6 ? kIpv6HopLimit : kIpv4Ttl] = 0;
  if (!ipv6) {
    changed_[kIpv4Checksum] = changed_[kIpv4Checksum + 1] = 0;
  }
  Direction& direction = directions_[fmt::format("{}:{:04x}>{}:{:04x}", Hex(packet.subspan(source, address)), from,
                                                 Hex(packet.subspan(source + address, address)), to)];
  ++direction.packets;
  direction.bytes += packet.size();
  const uint64_t hash = sample::Hash64(changed_);
  direction.any_order += hash;
  direction.in_order = direction.in_order * 0x9e3779b97f4a7c15ULL + hash;
}

}  // namespace rpctee::watch
