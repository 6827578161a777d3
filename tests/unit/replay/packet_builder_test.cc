// The builder and the Dubbo frames of tests/support: other tests rest on them, so they are held to fixed bytes here.
#include "support/packet_builder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "support/dubbo_frames.h"

namespace rpctee::test {
namespace {

using ::testing::ElementsAreArray;

TEST(PacketBuilder, AnIpv4PacketHasTheBytesOfTheRfcs) {
  // The checksums are those that Wireshark calculates for this frame.
  const ByteVector expected = {
      2,    0,    0,    0,    0,   2,   2,   0,    0,  0, 0,    1,    0x08, 0x00,                           // Ethernet
      0x45, 0,    0,    43,   0,   1,   0,   0,    64, 6, 0x66, 0xca, 10,   0,    0,    1,    10, 0, 0, 2,  // IPv4
      0x9c, 0x40, 0x51, 0x90, 0,   0,   0,   0x64, 0,  0, 0,    1,    0x50, 0x18, 0xff, 0xff,               // TCP
      0xe9, 0x2e, 0,    0,    'a', 'b', 'c',
  };
  EXPECT_THAT(TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Seq(100).Flags(kAck | kPsh).Payload("abc").Build(),
              ElementsAreArray(expected));
}

TEST(PacketBuilder, HeadersAddUpToHeaderBytes) {
  const TcpPacket v4 = TcpPacket("1.2.3.4:1", "5.6.7.8:2").QinQ(1, 2).Ipv4Options(40).TcpOptions(40);
  EXPECT_EQ(v4.HeaderBytes(), 14U + 8 + 60 + 60);
  EXPECT_EQ(v4.Build().size(), v4.HeaderBytes());
  const TcpPacket v6 = TcpPacket("[::1]:1", "[::2]:2").Vlan(1).Ipv6Extension(kHopByHop, 2048).Fragment(0, true);
  EXPECT_EQ(v6.HeaderBytes(), 14U + 4 + 40 + 2048 + 8 + 20);
  EXPECT_EQ(v6.Build().size(), v6.HeaderBytes());
}

TEST(PacketBuilder, ImpossibleRequestsAreRefused) {
  EXPECT_THROW(TcpPacket("10.0.0.1:1", "[fd00::2]:2"), std::invalid_argument);
  EXPECT_THROW(TcpPacket("10.0.0.1", "10.0.0.2:2"), std::invalid_argument);
  EXPECT_THROW(TcpPacket("1.2.3.4:1", "5.6.7.8:2").TcpOptions(44), std::invalid_argument);
  EXPECT_THROW(TcpPacket("1.2.3.4:1", "5.6.7.8:2").Ipv4Options(3), std::invalid_argument);
}

TEST(DubboFrames, ARequestHasExactlyTheLengthAskedFor) {
  const size_t shortest = DubboRequest(1).size();
  for (const size_t bytes : {shortest, shortest + 1, size_t{200}, size_t{65'535}, size_t{1U << 20}}) {
    EXPECT_EQ(DubboRequest(1, bytes).size(), bytes);
  }
  // Round the lengths at which the argument needs one chunk more.
  for (size_t bytes = 65'500; bytes < 65'900; ++bytes) {
    ASSERT_EQ(DubboRequest(1, bytes).size(), bytes);
  }
  EXPECT_THROW(DubboRequest(1, shortest - 1), std::invalid_argument);
}

TEST(DubboFrames, TheHeaderSaysKindIdAndLength) {
  const ByteVector frame = DubboRequest(0xb4fd0102030405ff, 300, kDubboOneWay);
  const ByteVector header = {0xda, 0xbb, 0x82, 0, 0xb4, 0xfd, 1, 2, 3, 4, 5, 0xff, 0, 0, 0x01, 0x1c};
  EXPECT_THAT(Slice(frame, 0, 16), ElementsAreArray(header));
}

TEST(DubboFrames, TheBodyOfAShortRequestIsHessian2) {
  const DubboRequestOptions options{.service = "S", .version = "1", .method = "m", .attachments = {{"k", "v"}}};
  std::string expected = "\0052.0.2\001S\0011\001m\002[B";
  expected += std::string("B\0\0", 3);
  expected += "H\004path\001S\011interface\001S\001k\001vZ";
  EXPECT_EQ(AsText(Slice(DubboRequest(1, 0, options), 16)), expected);
}

TEST(DubboFrames, HeartbeatReadonlyAndResponseAreTheKnownBytes) {
  EXPECT_THAT(DubboHeartbeat(1),
              ElementsAreArray({0xda, 0xbb, 0xe2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0x4e}));  // 0x4e: null
  EXPECT_THAT(DubboReadonly(1),
              ElementsAreArray({0xda, 0xbb, 0xa2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 1, 0x52}));  // 0x52: R
  EXPECT_THAT(DubboResponse(1, 70), ElementsAreArray({0xda, 0xbb, 0x02, 70, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0x92}));
}

}  // namespace
}  // namespace rpctee::test
