#include "base/address.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <tuple>
#include <unordered_set>

namespace rpctee {
namespace {

TEST(Address, TextOfBothFamiliesSurvivesARoundTrip) {
  for (const char* text : {"10.0.0.1:20880", "255.255.255.255:65535", "[fd00::1]:20880", "[::]:1", "[::1]:9"}) {
    const auto address = SocketAddress::Parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->ToString(), text);
  }
}

TEST(Address, Ipv4IsKeptAsMappedIpv6) {
  const auto v4 = IpAddress::Parse("10.1.2.3");
  const auto mapped = IpAddress::Parse("::ffff:10.1.2.3");
  ASSERT_TRUE(v4 && mapped);
  EXPECT_EQ(*v4, *mapped);
  EXPECT_TRUE(mapped->IsV4());
  EXPECT_EQ(mapped->ToString(), "10.1.2.3");
  const std::array<uint8_t, 16> bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3};
  EXPECT_EQ(v4->bytes, bytes);
}

TEST(Address, UnspecifiedMeansAllSixteenBytesZero) {
  EXPECT_TRUE(IpAddress().IsUnspecified());
  EXPECT_TRUE(IpAddress::Parse("::")->IsUnspecified());
  EXPECT_FALSE(IpAddress::Parse("0.0.0.0")->IsUnspecified());
  EXPECT_FALSE(IpAddress::Parse("::1")->IsUnspecified());
}

TEST(Address, WhatIsNoAddressIsRefusedWithAReason) {
  for (const char* text :
       {"", "10.0.0", "10.0.0.256", "010.0.0.1", "10.0.0.1 ", "fe80::1%eth0", "example.org", "[::1]"}) {
    const auto address = IpAddress::Parse(text);
    ASSERT_FALSE(address) << text;
    EXPECT_NE(address.error().message.find("not an IPv4 or IPv6 address"), std::string::npos);
  }
  for (const char* text : {"", "10.0.0.1", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:65536", "10.0.0.1:-1", "10.0.0.1:+1",
                           "10.0.0.1:80x", ":80", "fd00::1:20880", "[fd00::1]", "[fd00::1:80", "[]:80", "host:80"}) {
    EXPECT_FALSE(SocketAddress::Parse(text)) << text;
  }
}

TEST(Address, AZeroByteDoesNotHideWhatFollows) {
  EXPECT_FALSE(IpAddress::Parse(std::string_view("10.0.0.1\0junk", 13)));
  EXPECT_FALSE(SocketAddress::Parse(std::string_view("10.0.0.1\0:80", 12)));
}

TEST(Address, SockaddrOfBothFamiliesSurvivesARoundTrip) {
  for (const auto& [text, family, size] : {std::tuple{"10.0.0.1:20880", AF_INET, sizeof(sockaddr_in)},
                                           std::tuple{"[fd00::1]:20880", AF_INET6, sizeof(sockaddr_in6)}}) {
    const auto address = SocketAddress::Parse(text);
    ASSERT_TRUE(address);
    sockaddr_storage storage{};
    EXPECT_EQ(address->ToSockaddr(storage), size);
    EXPECT_EQ(storage.ss_family, family);
    EXPECT_EQ(SocketAddress::FromSockaddr(storage), *address);
  }
}

TEST(Address, SockaddrHoldsAddressAndPortInNetworkOrder) {
  sockaddr_storage storage{};
  SocketAddress::Parse("10.0.0.1:20880")->ToSockaddr(storage);
  sockaddr_in v4{};
  std::memcpy(&v4, &storage, sizeof(v4));
  EXPECT_EQ(v4.sin_port, htons(20880));
  EXPECT_EQ(v4.sin_addr.s_addr, htonl(0x0a000001));
}

TEST(Address, SockaddrOfAnotherFamilyIsUnspecified) {
  sockaddr_storage storage{};
  storage.ss_family = AF_UNIX;
  EXPECT_EQ(SocketAddress::FromSockaddr(storage), SocketAddress());
}

TEST(Address, HashesOfNeighboursDiffer) {
  std::unordered_set<size_t> hashes;
  for (uint32_t host = 0; host < 256; ++host) {
    for (uint16_t port = 20880; port < 20896; ++port) {
      hashes.insert(std::hash<SocketAddress>()(SocketAddress{IpAddress::FromV4(htonl(0x0a000000 | host)), port}));
    }
  }
  EXPECT_EQ(hashes.size(), 256u * 16u);
}

}  // namespace
}  // namespace rpctee
