// Builds Ethernet frames with a TCP packet inside, for packet tests: a row of a table says only what is special about
// it.
//
//   TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Vlan(5).Seq(1000).Payload(DubboRequest(1)).Build()
//
// All lengths and checksums are right unless a method says otherwise. Any thread; a builder is a plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "base/byte_reader.h"

namespace rpctee::test {

using ByteVector = std::vector<uint8_t>;

enum TcpFlag : uint8_t { kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32, kEce = 64, kCwr = 128 };

// Next-header numbers of the IPv6 extension headers that Ipv6Extension() knows.
enum Ipv6ExtensionType : uint8_t { kHopByHop = 0, kRouting = 43, kDestinationOptions = 60 };

class TcpPacket {
 public:
  // "10.0.0.1:40000" or "[fd00::1]:40000"; both ends of one family. Throws std::invalid_argument.
  TcpPacket(std::string_view source, std::string_view destination);

  // Adds a tag; the first call is the outermost. 0x88a8 for the outer tag of QinQ.
  TcpPacket& Vlan(uint16_t id, uint16_t ethertype = 0x8100);
  TcpPacket& QinQ(uint16_t outer, uint16_t inner) { return Vlan(outer, 0x88a8).Vlan(inner); }

  // IPv4 options (no-operations), `bytes` a multiple of 4, at most 40.
  TcpPacket& Ipv4Options(size_t bytes);
  // Appends an extension header of `bytes` (padding inside), a multiple of 8.
  TcpPacket& Ipv6Extension(Ipv6ExtensionType type, size_t bytes = 8);
  // Makes it a fragment: IPv4 by its own fields, IPv6 by a fragment header.
  TcpPacket& Fragment(uint16_t offset_units, bool more);

  TcpPacket& Seq(uint32_t seq);
  TcpPacket& AckNumber(uint32_t ack);
  // Replaces the flags; without this call ACK, and PSH when there is a payload, as at the end of a write.
  TcpPacket& Flags(uint8_t flags);
  // TCP options (no-operations), `bytes` a multiple of 4, at most 40.
  TcpPacket& TcpOptions(size_t bytes);
  TcpPacket& Payload(Bytes payload);
  TcpPacket& Payload(std::string_view payload);

  // Deviations.
  TcpPacket& EthernetPadding(size_t bytes);   // after the end of the IP packet
  TcpPacket& Ethertype(uint16_t ethertype);   // instead of that of IPv4 or IPv6
  TcpPacket& Protocol(uint8_t protocol);      // instead of TCP
  TcpPacket& IpLength(uint16_t bytes);        // the IPv4 total length or IPv6 payload length field
  TcpPacket& Ipv4HeaderWords(uint8_t words);  // the header length field
  TcpPacket& TcpHeaderWords(uint8_t words);   // the data offset field
  TcpPacket& CutTo(size_t bytes);             // keeps only the first bytes of the frame
  TcpPacket& WithoutEthernet();               // starts with the IP header, as on a TUN device

  ByteVector Build() const;
  // Bytes in front of the payload, when nothing is cut.
  size_t HeaderBytes() const;

 private:
  ByteVector Ethernet() const;
  ByteVector Ip(size_t tcp_bytes) const;
  ByteVector Ipv4(size_t tcp_bytes) const;
  ByteVector Ipv6(size_t tcp_bytes) const;
  ByteVector Tcp() const;

  struct Tag {
    uint16_t ethertype;
    uint16_t id;
  };
  struct Extension {
    uint8_t type;
    ByteVector bytes;  // the first is the next-header number, filled in by Ipv6()
  };

  SocketAddress source_;
  SocketAddress destination_;
  std::vector<Tag> tags_;
  std::vector<Extension> extensions_;
  size_t ipv4_options_ = 0;
  uint16_t fragment_ = 0;
  uint32_t seq_ = 1;
  uint32_t ack_ = 1;
  std::optional<uint8_t> flags_;
  size_t tcp_options_ = 0;
  ByteVector payload_;
  size_t padding_ = 0;
  bool has_ethernet_ = true;
  uint8_t protocol_ = 6;
  std::optional<uint16_t> ethertype_;
  std::optional<uint16_t> ip_length_;
  std::optional<uint8_t> ipv4_header_words_;
  std::optional<uint8_t> tcp_header_words_;
  std::optional<size_t> cut_to_;
};

// The concatenation, for payloads of several requests.
ByteVector Join(std::initializer_list<ByteVector> parts);
// bytes[from, to), like a packet boundary would cut it; `to` beyond the end means the end.
ByteVector Slice(Bytes bytes, size_t from, size_t to = SIZE_MAX);

}  // namespace rpctee::test
