#include "replay/tcp_layout.h"

#include <gtest/gtest.h>

#include "support/packet_builder.h"

namespace rpctee::replay {
namespace {

using test::ByteVector;
using test::TcpPacket;

TcpPacket V4() { return TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Payload("payload"); }
TcpPacket V6() { return TcpPacket("[fd00::1]:40000", "[fd00::2]:20880").Payload("payload"); }

TEST(TcpLayout, ThePayloadIsFoundBehindAnyHeaders) {
  const std::pair<const char*, TcpPacket> rows[] = {
      {"plain IPv4", V4()},
      {"IPv4 with options", V4().Ipv4Options(12)},
      {"TCP with options", V4().TcpOptions(40)},
      {"a VLAN tag", V4().Vlan(5)},
      {"QinQ and options", V4().QinQ(5, 6).Ipv4Options(40).TcpOptions(12)},
      {"Ethernet padding is no payload", V4().EthernetPadding(6)},
      {"IPv4 length 0: up to the end of the frame", V4().IpLength(0)},
      {"plain IPv6", V6()},
      {"IPv6 with extension headers", V6().Ipv6Extension(test::kHopByHop)
                                          .Ipv6Extension(test::kRouting, 24)
                                          .Ipv6Extension(test::kDestinationOptions, 16)},
      {"IPv6 with VLAN tag and padding", V6().Vlan(5).EthernetPadding(6)},
  };
  for (const auto& [name, packet] : rows) {
    const ByteVector frame = packet.Build();
    const auto layout = FindTcp(frame);
    ASSERT_TRUE(layout) << name;
    EXPECT_EQ(layout->payload_offset, packet.HeaderBytes()) << name;
    EXPECT_EQ(AsText(Bytes(frame).subspan(layout->payload_offset, layout->payload_bytes)), "payload") << name;
  }
}

TEST(TcpLayout, WhatIsNoWholeTcpPacketHasNoLayout) {
  const std::pair<const char*, TcpPacket> rows[] = {
      {"UDP", V4().Protocol(17)},
      {"UDP over IPv6", V6().Protocol(17)},
      {"ARP", V4().Ethertype(0x0806)},
      {"IPv4 under the ethertype of IPv6", V4().Ethertype(0x86dd)},
      {"IPv6 under the ethertype of IPv4", V6().Ethertype(0x0800)},
      {"first fragment", V4().Fragment(0, true)},
      {"later fragment", V4().Fragment(100, false)},
      {"IPv6 fragment", V6().Fragment(0, true)},
      {"IPv6 length 0", V6().IpLength(0)},
      {"IP length beyond the frame", V4().IpLength(48)},
      {"IP length before the end of the TCP header", V4().IpLength(39)},
      {"IPv4 header length under 5", V4().Ipv4HeaderWords(4)},
      {"data offset under 5", V4().TcpHeaderWords(4)},
      {"data offset beyond the packet", V4().TcpHeaderWords(15)},
      {"five VLAN tags", V4().QinQ(1, 2).QinQ(3, 4).Vlan(5)},
  };
  for (const auto& [name, packet] : rows) {
    EXPECT_FALSE(FindTcp(packet.Build())) << name;
  }
}

TEST(TcpLayout, AFrameCutAnywhereHasNoLayout) {
  for (const TcpPacket& packet : {V4().Vlan(5).Ipv4Options(8).TcpOptions(8), V6().Ipv6Extension(test::kHopByHop, 16)}) {
    const ByteVector frame = packet.Build();
    for (size_t bytes = 0; bytes < frame.size(); ++bytes) {
      // A heap copy of exactly this size: the address sanitizer sees any read beyond it.
      EXPECT_FALSE(FindTcp(ByteVector(frame.begin(), frame.begin() + static_cast<ptrdiff_t>(bytes)))) << bytes;
    }
    EXPECT_TRUE(FindTcp(frame));
  }
}

}  // namespace
}  // namespace rpctee::replay
