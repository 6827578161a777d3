#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace rpctee {
namespace {

constexpr std::array<uint8_t, 12> kV4Prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

bool IpAddress::IsV4() const { return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes.begin()); }

bool IpAddress::IsUnspecified() const {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

std::string IpAddress::ToString() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (IsV4()) {
    inet_ntop(AF_INET, bytes.data() + kV4Prefix.size(), text.data(), text.size());
  } else {
    inet_ntop(AF_INET6, bytes.data(), text.data(), text.size());
  }
  return text.data();
}

IpAddress IpAddress::FromV4(uint32_t address_be) {
  IpAddress result;
  std::copy(kV4Prefix.begin(), kV4Prefix.end(), result.bytes.begin());
  std::memcpy(result.bytes.data() + kV4Prefix.size(), &address_be, sizeof(address_be));
  return result;
}

Result<IpAddress> IpAddress::Parse(std::string_view text) {
  const std::string terminated(text);
  if (text.find('\0') != std::string_view::npos) {
    return Fail("an address with a zero byte in it");
  }
  in_addr v4{};
  if (inet_pton(AF_INET, terminated.c_str(), &v4) == 1) {
    return FromV4(v4.s_addr);
  }
  IpAddress result;
  if (inet_pton(AF_INET6, terminated.c_str(), result.bytes.data()) == 1) {
    return result;
  }
  return Fail("'" + terminated + "' is not an IPv4 or IPv6 address");
}

std::string SocketAddress::ToString() const {
  const std::string host = ip.IsV4() ? ip.ToString() : "[" + ip.ToString() + "]";
  return host + ":" + std::to_string(port);
}

Result<SocketAddress> SocketAddress::Parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return Fail("'" + std::string(text) + "' has no port; write address:port");
  }
  std::string_view host = text.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return Fail("'" + std::string(text) + "': write an IPv6 address in brackets, as [fd00::1]:20880");
  }
  const std::string_view digits = text.substr(colon + 1);
  SocketAddress result;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), result.port);
  if (code != std::errc() || end != digits.data() + digits.size() || result.port == 0) {
    return Fail("'" + std::string(text) + "': the port must be a number from 1 to 65535");
  }
  Result<IpAddress> ip = IpAddress::Parse(host);
  if (!ip) {
    return tl::unexpected(ip.error());
  }
  result.ip = *ip;
  return result;
}

uint32_t SocketAddress::ToSockaddr(sockaddr_storage& out) const {
  std::memset(&out, 0, sizeof(out));
  if (ip.IsV4()) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, ip.bytes.data() + kV4Prefix.size(), sizeof(v4.sin_addr));
    std::memcpy(&out, &v4, sizeof(v4));
    return sizeof(v4);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  std::memcpy(&v6.sin6_addr, ip.bytes.data(), ip.bytes.size());
  std::memcpy(&out, &v6, sizeof(v6));
  return sizeof(v6);
}

SocketAddress SocketAddress::FromSockaddr(const sockaddr_storage& in) {
  SocketAddress result;
  if (in.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &in, sizeof(v4));
    result.ip = IpAddress::FromV4(v4.sin_addr.s_addr);
    result.port = ntohs(v4.sin_port);
  } else if (in.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &in, sizeof(v6));
    std::memcpy(result.ip.bytes.data(), &v6.sin6_addr, result.ip.bytes.size());
    result.port = ntohs(v6.sin6_port);
  }
  return result;
}

}  // namespace rpctee

size_t std::hash<rpctee::SocketAddress>::operator()(const rpctee::SocketAddress& address) const noexcept {
  uint64_t high = 0;
  uint64_t low = 0;
  std::memcpy(&high, address.ip.bytes.data(), sizeof(high));
  std::memcpy(&low, address.ip.bytes.data() + sizeof(high), sizeof(low));
  const uint64_t mixed = (high * 0x9e3779b97f4a7c15ULL) ^ ((low + address.port) * 0xc2b2ae3d27d4eb4fULL);
  return static_cast<size_t>(mixed ^ (mixed >> 29));
}
