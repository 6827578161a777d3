// Where the headers and the payload of a TCP packet stand in an Ethernet frame: VLAN tags, IPv4 options, IPv6 extension
// headers and TCP options are stepped over. Any thread; no state, no allocation.
#pragma once

#include <cstddef>
#include <optional>

#include "base/byte_reader.h"

namespace rpctee::replay {

struct TcpLayout {
  bool is_v6 = false;
  size_t ip_offset = 0;
  size_t ip_header_bytes = 0;  // fixed part and options, or all extension headers up to TCP
  size_t tcp_offset = 0;
  size_t payload_offset = 0;
  size_t payload_bytes = 0;  // by the IP header, so without Ethernet padding
};

// Nothing for all that is no whole, unfragmented TCP packet: other protocols, fragments, impossible lengths, packets
// that were cut. An IPv4 length of 0 (a TSO packet as the sender's capture shows it) means up to the end of the frame;
// an IPv6 length of 0 (jumbogram) is not taken apart.
std::optional<TcpLayout> FindTcp(Bytes frame);

}  // namespace rpctee::replay
