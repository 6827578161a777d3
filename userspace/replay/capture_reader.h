// Reads a pcap or pcapng file, packet by packet, and gives each packet as an Ethernet frame.
//
// One thread at a time. Owns the open file and one frame buffer: memory does not grow with the file (libpcap refuses a
// packet of more than 256 KiB). The path "-" is standard input.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/byte_reader.h"
#include "base/result.h"

struct pcap;

namespace rpctee::replay {

struct CapturedFrame {
  // With an Ethernet header: the packet's own, or one with zero addresses where the capture has another link type.
  // Valid until the next call of the reader.
  Bytes frame;
  uint64_t number = 0;          // of the packet in its file, from 1, as Wireshark counts
  uint64_t time_ns = 0;         // since 1970
  uint32_t original_bytes = 0;  // on the wire, with the capture's own link header; more than was kept if cut
  bool is_cut = false;          // the capture kept less than the whole packet
};

struct CaptureStats {
  uint64_t packets = 0;         // read from the file
  uint64_t cut_by_snaplen = 0;  // of these, shorter in the file than on the wire; still handed out
  uint64_t runts = 0;           // of these, too short for their own link header; not handed out
  uint64_t not_ip = 0;          // of these, neither IPv4 nor IPv6 on a link type that has no ethertype; not handed out
};

class CaptureReader {
 public:
  // Link types: Ethernet, raw IP, IPv4, IPv6, Linux cooked v1 and v2, BSD loopback (NULL and LOOP).
  static Result<CaptureReader> Open(const std::string& path);

  // The next packet, or nothing at the end of the file. An error names the file and the packet; the reader is then at
  // its end.
  Result<std::optional<CapturedFrame>> Next();

  const CaptureStats& stats() const { return stats_; }

 private:
  struct Closer {
    void operator()(pcap* capture) const;
  };

  CaptureReader(std::string path, std::unique_ptr<pcap, Closer> capture, int link_type);
  // Empty when the packet cannot be given as a frame; the reason is then counted.
  Bytes ToEthernet(Bytes packet);
  Bytes WithHeader(uint16_t ethertype, Bytes payload);

  std::string path_;
  std::unique_ptr<pcap, Closer> capture_;
  int link_type_;
  bool at_end_ = false;
  CaptureStats stats_;
  std::vector<uint8_t> frame_;
};

}  // namespace rpctee::replay
