// Packets of one connection, made fast: the headers are built once, and only what differs is written into them.
//
// Checksums are those of the packet without payload: the tap does not look at them. Any thread; a plain value.
#pragma once

#include <cstdint>

#include "base/byte_reader.h"
#include "support/packet_builder.h"

namespace rpctee::test {

class PacketTemplate {
 public:
  // Takes all but payload, sequence number and flags from the builder.
  explicit PacketTemplate(const TcpPacket& packet);

  // Of the same family.
  void SetSource(const SocketAddress& source);
  ByteVector Packet(uint32_t seq, uint8_t flags, Bytes payload) const;

 private:
  ByteVector headers_;
  size_t ip_ = 0;
  size_t tcp_ = 0;
  bool is_v4_ = true;
};

}  // namespace rpctee::test
