// What passed a place in the network: how many packets of each TCP direction, and hashes of them all.
//
// Two places have equal hashes when the same packets passed both: `any_order` says so whatever the order, `in_order`
// only when that was the same too. What a router must change does not
// count: TTL and header checksum of IPv4, hop limit of IPv6. One thread; plain values.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/byte_reader.h"

namespace rpctee::watch {

struct Direction {
  uint64_t packets = 0;
  uint64_t bytes = 0;  // of IP packets
  uint64_t any_order = 0;
  uint64_t in_order = 0;
};

class PacketLog {
 public:
  // An IP packet. Only TCP from or to `port` counts.
  explicit PacketLog(uint16_t port) : port_(port) {}
  void Add(Bytes packet);
  // By "source>destination", addresses and ports in hexadecimal.
  const std::map<std::string, Direction>& directions() const { return directions_; }

 private:
  uint16_t port_;
  std::map<std::string, Direction> directions_;
  std::string changed_;  // a packet without what routers change; kept for its memory
};

}  // namespace rpctee::watch
