#include "replay/capture_reader.h"

#include <pcap/pcap.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace rpctee::replay {
namespace {

constexpr uint16_t kEthertypeIpv4 = 0x0800;
constexpr uint16_t kEthertypeIpv6 = 0x86dd;
constexpr size_t kEthernetHeaderBytes = 14;
constexpr size_t kAddressBytes = 12;  // destination and source
constexpr const char* kSupported =
    "supported are Ethernet, raw IP, IPv4, IPv6, Linux cooked (SLL, SLL2) and BSD loopback (NULL, LOOP)";

bool IsSupported(int link_type) {
  switch (link_type) {
    case DLT_EN10MB:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_NULL:
    case DLT_LOOP:
      return true;
    default:
      return false;
  }
}

std::string NameOf(int link_type) {
  const char* name = pcap_datalink_val_to_name(link_type);
  const char* description = pcap_datalink_val_to_description(link_type);
  std::string text = name != nullptr ? name : "unknown";
  if (description != nullptr) {
    text += " (" + std::string(description) + ")";
  }
  return text + ", number " + std::to_string(link_type);
}

// 0 when the first byte is not that of an IP header.
uint16_t EthertypeOfIp(Bytes packet) {
  switch (packet.empty() ? 0 : packet[0] >> 4) {
    case 4:
      return kEthertypeIpv4;
    case 6:
      return kEthertypeIpv6;
    default:
      return 0;
  }
}

// NULL stores the address family in the byte order of the machine that captured, LOOP in network order. Families are
// small numbers, so a large one is one in the other order. AF_INET is 2 everywhere; AF_INET6 differs by system:
// 10 Linux, 24 NetBSD and OpenBSD, 28 FreeBSD, 30 macOS.
uint16_t EthertypeOfFamily(uint32_t family) {
  if (family > 0xffff) {
    family = __builtin_bswap32(family);
  }
  switch (family) {
    case 2:
      return kEthertypeIpv4;
    case 10:
    case 24:
    case 28:
    case 30:
      return kEthertypeIpv6;
    default:
      return 0;
  }
}

std::string Explain(const std::string& libpcap_error) {
  if (libpcap_error.find("unknown file format") == std::string::npos) {
    return libpcap_error;
  }
  return "neither a pcap nor a pcapng file (a compressed capture must be unpacked first)";
}

}  // namespace

void CaptureReader::Closer::operator()(pcap* capture) const { pcap_close(capture); }

CaptureReader::CaptureReader(std::string path, std::unique_ptr<pcap, Closer> capture, int link_type)
    : path_(std::move(path)), capture_(std::move(capture)), link_type_(link_type) {}

Result<CaptureReader> CaptureReader::Open(const std::string& path) {
  const std::string context = "capture " + path;
  // libpcap closes the stream together with the capture, unless it is standard input.
  FILE* file = path == "-" ? stdin : std::fopen(path.c_str(), "rbe");
  if (file == nullptr) {
    return FailErrno(context + ": cannot open", errno);
  }
  char error[PCAP_ERRBUF_SIZE] = "";
  std::unique_ptr<pcap, Closer> capture(
      pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error));
  if (!capture) {
    if (file != stdin) {
      (void)std::fclose(file);
    }
    return Fail(context + ": " + Explain(error));
  }
  const int link_type = pcap_datalink(capture.get());
  if (!IsSupported(link_type)) {
    return Fail(context + ": link type " + NameOf(link_type) + " is not supported; " + kSupported);
  }
  return CaptureReader(path, std::move(capture), link_type);
}

Result<std::optional<CapturedFrame>> CaptureReader::Next() {
  while (!at_end_) {
    pcap_pkthdr* header = nullptr;
    const u_char* data = nullptr;
    const int outcome = pcap_next_ex(capture_.get(), &header, &data);
    if (outcome == PCAP_ERROR_BREAK) {
      at_end_ = true;
      break;
    }
    if (outcome != 1) {
      at_end_ = true;
      return Fail("capture " + path_ + ": packet " + std::to_string(stats_.packets + 1) + ": " +
                  pcap_geterr(capture_.get()));
    }
    ++stats_.packets;
    const bool is_cut = header->caplen < header->len;
    stats_.cut_by_snaplen += is_cut ? 1 : 0;
    const Bytes frame = ToEthernet(Bytes(data, header->caplen));
    if (frame.empty()) {
      continue;
    }
    // With nanosecond precision, libpcap puts nanoseconds into tv_usec.
    const uint64_t time_ns =
        static_cast<uint64_t>(header->ts.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(header->ts.tv_usec);
    return CapturedFrame{frame, stats_.packets, time_ns, header->len, is_cut};
  }
  return std::nullopt;
}

Bytes CaptureReader::ToEthernet(Bytes packet) {
  ByteReader reader(packet);
  uint16_t ethertype = 0;
  bool has_ethertype = false;  // the link header carries one, which may be of any protocol
  switch (link_type_) {
    case DLT_EN10MB:
      if (packet.size() < kEthernetHeaderBytes) {
        ++stats_.runts;
        return {};
      }
      return packet;
    case DLT_LINUX_SLL:
      reader.Skip(14);
      ethertype = reader.Be16();
      has_ethertype = true;
      break;
    case DLT_LINUX_SLL2:
      ethertype = reader.Be16();
      reader.Skip(18);
      has_ethertype = true;
      break;
    case DLT_NULL:
    case DLT_LOOP:
      ethertype = EthertypeOfFamily(reader.Be32());
      break;
    default:  // raw IP, IPv4, IPv6
      ethertype = EthertypeOfIp(packet);
      break;
  }
  if (reader.failed() || reader.remaining() == 0) {
    ++stats_.runts;
    return {};
  }
  if (ethertype == 0 && !has_ethertype) {
    ++stats_.not_ip;
    return {};
  }
  return WithHeader(ethertype, reader.Take(reader.remaining()));
}

Bytes CaptureReader::WithHeader(uint16_t ethertype, Bytes payload) {
  frame_.assign(kAddressBytes, 0);
  frame_.push_back(static_cast<uint8_t>(ethertype >> 8));
  frame_.push_back(static_cast<uint8_t>(ethertype));
  frame_.insert(frame_.end(), payload.begin(), payload.end());
  return frame_;
}

}  // namespace rpctee::replay
