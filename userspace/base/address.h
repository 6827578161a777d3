// IP addresses and address:port pairs as plain values. IPv4 is kept as IPv4-mapped IPv6, as in the BPF maps.
// Any thread; no allocation except in the text functions.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

struct sockaddr_storage;

namespace rpctee {

struct IpAddress {
  std::array<uint8_t, 16> bytes{};  // network order

  auto operator<=>(const IpAddress&) const = default;
  bool IsV4() const;
  bool IsUnspecified() const;  // all 16 bytes are zero
  std::string ToString() const;

  // Accepts "10.0.0.1" and "fd00::1". No names, no ports, no zones.
  static Result<IpAddress> Parse(std::string_view text);
  // address_be: as in struct in_addr.
  static IpAddress FromV4(uint32_t address_be);
};

struct SocketAddress {
  IpAddress ip;
  uint16_t port = 0;  // host order

  auto operator<=>(const SocketAddress&) const = default;
  // "10.0.0.1:20880", "[fd00::1]:20880".
  std::string ToString() const;
  static Result<SocketAddress> Parse(std::string_view text);

  // Fills a sockaddr_in or sockaddr_in6; returns its length.
  uint32_t ToSockaddr(sockaddr_storage& out) const;
  // From AF_INET or AF_INET6; anything else gives the unspecified address.
  static SocketAddress FromSockaddr(const sockaddr_storage& in);
};

}  // namespace rpctee

template <>
struct std::hash<rpctee::SocketAddress> {
  size_t operator()(const rpctee::SocketAddress& address) const noexcept;
};
