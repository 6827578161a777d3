#include "support/packet_builder.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace rpctee::test {
namespace {

constexpr uint8_t kNoOperation = 1;  // the one-byte option of both IPv4 and TCP
constexpr uint8_t kFragmentHeader = 44;
constexpr size_t kEthernetBytes = 14;

void Put16(ByteVector& out, size_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

void Put32(ByteVector& out, uint32_t value) {
  Put16(out, value >> 16);
  Put16(out, value & 0xffff);
}

void Put(ByteVector& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void Set16(ByteVector& out, size_t offset, uint32_t value) {
  out[offset] = static_cast<uint8_t>(value >> 8);
  out[offset + 1] = static_cast<uint8_t>(value);
}

// Sum of 16-bit words, RFC 1071; an odd last byte counts as the high half of a word.
uint64_t SumWords(Bytes bytes) {
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    sum += static_cast<uint64_t>(bytes[i]) << (i % 2 == 0 ? 8 : 0);
  }
  return sum;
}

uint32_t Fold(uint64_t sum) {
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return static_cast<uint32_t>(~sum & 0xffff);
}

Bytes AddressBytes(const IpAddress& address) {
  const Bytes all(address.bytes);
  return address.IsV4() ? all.last(4) : all;
}

SocketAddress ParseOrThrow(std::string_view text) {
  const auto address = SocketAddress::Parse(text);
  if (!address) {
    throw std::invalid_argument(address.error().message);
  }
  return *address;
}

void RequireMultiple(size_t bytes, size_t unit, size_t limit) {
  if (bytes % unit != 0 || bytes > limit) {
    throw std::invalid_argument("a header part of " + std::to_string(bytes) + " bytes is impossible");
  }
}

}  // namespace

TcpPacket::TcpPacket(std::string_view source, std::string_view destination)
    : source_(ParseOrThrow(source)), destination_(ParseOrThrow(destination)) {
  if (source_.ip.IsV4() != destination_.ip.IsV4()) {
    throw std::invalid_argument("source and destination are of different families");
  }
}

TcpPacket& TcpPacket::Vlan(uint16_t id, uint16_t ethertype) {
  tags_.push_back({ethertype, id});
  return *this;
}

TcpPacket& TcpPacket::Ipv4Options(size_t bytes) {
  RequireMultiple(bytes, 4, 40);
  ipv4_options_ = bytes;
  return *this;
}

TcpPacket& TcpPacket::Ipv6Extension(Ipv6ExtensionType type, size_t bytes) {
  RequireMultiple(bytes, 8, 2048);
  ByteVector header(bytes, 0);
  header[1] = static_cast<uint8_t>(bytes / 8 - 1);
  if (type != kRouting) {
    // One PadN option fills the rest (RFC 8200, 4.2); a routing header of type 0 with no segments is all zeros. An
    // option is at most 257 bytes long, so several may be needed.
    for (size_t at = 2; at < bytes;) {
      const size_t option = std::min<size_t>(bytes - at == 258 ? 256 : bytes - at, 257);
      header[at] = 1;
      header[at + 1] = static_cast<uint8_t>(option - 2);
      at += option;
    }
  }
  extensions_.push_back({type, std::move(header)});
  return *this;
}

TcpPacket& TcpPacket::Fragment(uint16_t offset_units, bool more) {
  if (source_.ip.IsV4()) {
    fragment_ = static_cast<uint16_t>((more ? 0x2000 : 0) | offset_units);
    return *this;
  }
  ByteVector header = {0, 0};
  Put16(header, static_cast<size_t>(offset_units) << 3 | (more ? 1 : 0));
  Put32(header, 7);  // identification
  extensions_.push_back({kFragmentHeader, std::move(header)});
  return *this;
}

TcpPacket& TcpPacket::Seq(uint32_t seq) {
  seq_ = seq;
  return *this;
}

TcpPacket& TcpPacket::AckNumber(uint32_t ack) {
  ack_ = ack;
  return *this;
}

TcpPacket& TcpPacket::Flags(uint8_t flags) {
  flags_ = flags;
  return *this;
}

TcpPacket& TcpPacket::TcpOptions(size_t bytes) {
  RequireMultiple(bytes, 4, 40);
  tcp_options_ = bytes;
  return *this;
}

TcpPacket& TcpPacket::Payload(Bytes payload) {
  payload_.assign(payload.begin(), payload.end());
  return *this;
}

TcpPacket& TcpPacket::Payload(std::string_view payload) {
  payload_.assign(payload.begin(), payload.end());
  return *this;
}

TcpPacket& TcpPacket::EthernetPadding(size_t bytes) {
  padding_ = bytes;
  return *this;
}

TcpPacket& TcpPacket::Ethertype(uint16_t ethertype) {
  ethertype_ = ethertype;
  return *this;
}

TcpPacket& TcpPacket::Protocol(uint8_t protocol) {
  protocol_ = protocol;
  return *this;
}

TcpPacket& TcpPacket::IpLength(uint16_t bytes) {
  ip_length_ = bytes;
  return *this;
}

TcpPacket& TcpPacket::Ipv4HeaderWords(uint8_t words) {
  ipv4_header_words_ = words;
  return *this;
}

TcpPacket& TcpPacket::TcpHeaderWords(uint8_t words) {
  tcp_header_words_ = words;
  return *this;
}

TcpPacket& TcpPacket::CutTo(size_t bytes) {
  cut_to_ = bytes;
  return *this;
}

TcpPacket& TcpPacket::WithoutEthernet() {
  has_ethernet_ = false;
  return *this;
}

ByteVector TcpPacket::Build() const {
  const ByteVector tcp = Tcp();
  ByteVector frame = Ethernet();
  Put(frame, Ip(tcp.size()));
  Put(frame, tcp);
  frame.resize(frame.size() + padding_, 0);
  if (cut_to_ && *cut_to_ < frame.size()) {
    frame.resize(*cut_to_);
  }
  return frame;
}

size_t TcpPacket::HeaderBytes() const { return Ethernet().size() + Ip(0).size() + 20 + tcp_options_; }

ByteVector TcpPacket::Ethernet() const {
  if (!has_ethernet_) {
    return {};
  }
  // Locally administered unicast addresses.
  ByteVector header = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
  header.reserve(kEthernetBytes + 4 * tags_.size());
  for (const Tag& tag : tags_) {
    Put16(header, tag.ethertype);
    Put16(header, tag.id);
  }
  Put16(header, ethertype_.value_or(source_.ip.IsV4() ? 0x0800 : 0x86dd));
  return header;
}

ByteVector TcpPacket::Ip(size_t tcp_bytes) const { return source_.ip.IsV4() ? Ipv4(tcp_bytes) : Ipv6(tcp_bytes); }

ByteVector TcpPacket::Ipv4(size_t tcp_bytes) const {
  const size_t header_bytes = 20 + ipv4_options_;
  ByteVector header;
  header.push_back(
      static_cast<uint8_t>(0x40 | (ipv4_header_words_.value_or(static_cast<uint8_t>(header_bytes / 4)) & 15)));
  header.push_back(0);
  Put16(header, ip_length_.value_or(static_cast<uint16_t>(header_bytes + tcp_bytes)));
  Put16(header, 1);  // identification
  Put16(header, fragment_);
  header.push_back(64);  // time to live
  header.push_back(protocol_);
  Put16(header, 0);
  Put(header, AddressBytes(source_.ip));
  Put(header, AddressBytes(destination_.ip));
  header.resize(header_bytes, kNoOperation);
  Set16(header, 10, Fold(SumWords(header)));
  return header;
}

ByteVector TcpPacket::Ipv6(size_t tcp_bytes) const {
  size_t extension_bytes = 0;
  for (const Extension& extension : extensions_) {
    extension_bytes += extension.bytes.size();
  }
  ByteVector header = {0x60, 0, 0, 0};
  Put16(header, ip_length_.value_or(static_cast<uint16_t>(extension_bytes + tcp_bytes)));
  header.push_back(extensions_.empty() ? protocol_ : extensions_.front().type);
  header.push_back(64);  // hop limit
  Put(header, AddressBytes(source_.ip));
  Put(header, AddressBytes(destination_.ip));
  for (size_t i = 0; i < extensions_.size(); ++i) {
    const size_t at = header.size();
    Put(header, extensions_[i].bytes);
    header[at] = i + 1 < extensions_.size() ? extensions_[i + 1].type : protocol_;
  }
  return header;
}

ByteVector TcpPacket::Tcp() const {
  const size_t header_bytes = 20 + tcp_options_;
  ByteVector segment;
  Put16(segment, source_.port);
  Put16(segment, destination_.port);
  Put32(segment, seq_);
  Put32(segment, ack_);
  segment.push_back(static_cast<uint8_t>(tcp_header_words_.value_or(static_cast<uint8_t>(header_bytes / 4)) << 4));
  segment.push_back(flags_.value_or(payload_.empty() ? kAck : kAck | kPsh));
  Put16(segment, 65535);  // window
  Put32(segment, 0);      // checksum, urgent pointer
  segment.resize(header_bytes, kNoOperation);
  Put(segment, payload_);
  // The pseudo header of IPv4 and IPv6 sums to the same: addresses, protocol and length.
  const uint64_t pseudo =
      SumWords(AddressBytes(source_.ip)) + SumWords(AddressBytes(destination_.ip)) + 6 + segment.size();
  Set16(segment, 16, Fold(pseudo + SumWords(segment)));
  return segment;
}

ByteVector Join(std::initializer_list<ByteVector> parts) {
  ByteVector joined;
  for (const ByteVector& part : parts) {
    Put(joined, part);
  }
  return joined;
}

ByteVector Slice(Bytes bytes, size_t from, size_t to) {
  const size_t end = std::min(to, bytes.size());
  const Bytes part = bytes.subspan(std::min(from, end), end - std::min(from, end));
  return {part.begin(), part.end()};
}

}  // namespace rpctee::test
