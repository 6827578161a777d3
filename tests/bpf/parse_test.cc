// Which packets the tap looks into, and which it lets go, by name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpf/tap_program.h"
#include "support/dubbo_frames.h"
#include "support/packet_builder.h"

namespace rpctee::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TcpPacket V4() { return TcpPacket("10.0.0.1:40000", "10.0.0.2:20880"); }
TcpPacket V6() { return TcpPacket("[fd00::1]:40000", "[fd00::2]:20880"); }

struct Row {
  const char* sentence;
  TcpPacket packet;
  const char* counter;  // that the packet must add one to
  bool copied;          // whether its request must come out of the ring
};

class ParseTest : public TapProgramTest, public testing::WithParamInterface<Row> {};

TEST_P(ParseTest, CountsAndCopies) {
  const ByteVector packet = GetParam().packet.Build();
  tap_->Pass({packet});
  const auto counted = tap_->Counted();
  EXPECT_THAT(counted, Contains(Pair("packets", 1)));
  EXPECT_THAT(counted, Contains(Pair(GetParam().counter, 1)));
  const auto copied = tap_->Records();
  if (GetParam().copied) {
    EXPECT_THAT(copied.frames, ElementsAre(DubboRequest(1, 300)));
  } else {
    EXPECT_THAT(copied.frames, IsEmpty());
    EXPECT_EQ(copied.records, 0U);
  }
}

const ByteVector& Request() {
  static const ByteVector request = DubboRequest(1, 300);
  return request;
}

INSTANTIATE_TEST_SUITE_P(
    Packets, ParseTest,
    testing::Values(
        Row{"PlainV4", V4().Payload(Request()), "sampled", true},
        Row{"PlainV6", V6().Payload(Request()), "sampled", true},
        Row{"V4WithOptions", V4().Ipv4Options(20).Payload(Request()), "sampled", true},
        Row{"V4WithTheMostOptions", V4().Ipv4Options(40).TcpOptions(40).Payload(Request()), "sampled", true},
        Row{"TcpWithTimestamps", V4().TcpOptions(12).Payload(Request()), "sampled", true},
        Row{"OneVlanTag", V4().Vlan(5).Payload(Request()), "sampled", true},
        Row{"TwoVlanTags", V4().QinQ(5, 6).Payload(Request()), "sampled", true},
        Row{"VlanAndV6", V6().Vlan(4094).Payload(Request()), "sampled", true},
        Row{"ThreeVlanTagsAreNotLookedThrough", V4().QinQ(5, 6).Vlan(7).Payload(Request()), "not_ip", false},
        Row{"V6HopByHop", V6().Ipv6Extension(kHopByHop).Payload(Request()), "sampled", true},
        Row{"V6ThreeExtensions",
            V6().Ipv6Extension(kHopByHop)
                .Ipv6Extension(kDestinationOptions, 24)
                .Ipv6Extension(kRouting, 16)
                .Payload(Request()),
            "sampled", true},
        Row{"V6SevenExtensionsAreTooMany",
            V6().Ipv6Extension(kHopByHop)
                .Ipv6Extension(kDestinationOptions)
                .Ipv6Extension(kDestinationOptions)
                .Ipv6Extension(kDestinationOptions)
                .Ipv6Extension(kDestinationOptions)
                .Ipv6Extension(kDestinationOptions)
                .Ipv6Extension(kDestinationOptions)
                .Payload(Request()),
            "not_tcp", false},
        Row{"FirstV4Fragment", V4().Fragment(0, true).Payload(Request()), "fragments", false},
        Row{"LastV4Fragment", V4().Fragment(100, false).Payload(Request()), "fragments", false},
        Row{"V6Fragment", V6().Fragment(0, true).Payload(Request()), "fragments", false},
        Row{"Udp", V4().Protocol(17).Payload(Request()), "not_tcp", false},
        Row{"UdpOverV6", V6().Protocol(17).Payload(Request()), "not_tcp", false},
        Row{"Arp", V4().Ethertype(0x0806).Payload(Request()), "not_ip", false},
        Row{"AnotherPort", TcpPacket("10.0.0.1:40000", "10.0.0.2:20881").Payload(Request()), "not_endpoint", false},
        Row{"AnotherAddress", TcpPacket("10.0.0.1:40000", "10.0.0.3:20880").Payload(Request()), "not_endpoint", false},
        Row{"TheOtherDirection", TcpPacket("10.0.0.2:20880", "10.0.0.1:40000").Payload(Request()), "not_endpoint",
            false},
        Row{"PaddingIsNoPayload", V4().EthernetPadding(6), "no_payload", false},
        Row{"PaddingBehindPayloadIsNotCopied", V4().Payload(Request()).EthernetPadding(20), "sampled", true},
        Row{"IpHeaderLengthTooShort", V4().Ipv4HeaderWords(4).Payload(Request()), "malformed", false},
        Row{"TcpHeaderLengthTooShort", V4().TcpHeaderWords(4).Payload(Request()), "malformed", false},
        Row{"TcpHeaderBehindTheEnd", V4().TcpHeaderWords(15), "malformed", false},
        Row{"IpLengthBehindTheEnd", V4().Payload(Request()).IpLength(2000), "malformed", false},
        Row{"IpLengthShorterThanHeaders", V4().Payload(Request()).IpLength(39), "malformed", false},
        Row{"IpLengthZeroMeansAllThatIsThere", V4().Payload(Request()).IpLength(0), "sampled", true},
        Row{"V6LengthZeroMeansAllThatIsThere", V6().Payload(Request()).IpLength(0), "sampled", true},
        Row{"CutInTheTcpHeader", V4().CutTo(50), "not_tcp", false},
        Row{"SynWithData", V4().Flags(kSyn).Payload(Request()), "sampled", true},
        Row{"FinWithData", V4().Flags(kFin | kAck).Payload(Request()), "sampled", true}),
    [](const auto& row) { return row.param.sentence; });

TEST_F(TapProgramTest, EveryIpAndTcpHeaderLengthPassesUnchangedAndIsCounted) {
  uint64_t packets = 0;
  for (uint8_t ip_words = 0; ip_words < 16; ++ip_words) {
    for (uint8_t tcp_words = 0; tcp_words < 16; ++tcp_words) {
      for (uint16_t length = 0; length <= 120; length = static_cast<uint16_t>(length + 4)) {
        const ByteVector packet = V4().Ipv4HeaderWords(ip_words)
                                      .TcpHeaderWords(tcp_words)
                                      .IpLength(length)
                                      .Payload(Slice(Request(), 0, 80))
                                      .Build();
        const RunResult result = tap_->Run(packet);
        ASSERT_FALSE(result.refused);
        ASSERT_EQ(result.verdict, kContinue);
        ASSERT_TRUE(result.unchanged);
        ++packets;
      }
    }
  }
  auto counted = tap_->Counted();
  EXPECT_EQ(counted["packets"], packets);
  EXPECT_EQ(counted["not_ip"] + counted["not_tcp"] + counted["fragments"] + counted["malformed"] +
                counted["not_endpoint"] + counted["endpoint_packets"],
            packets)
      << "a packet ended without a name";
}

TEST_F(TapProgramTest, OwnSocketMarkIsNeverLookedInto) {
  TapProgram tap({.socket_mark = 0x1234});
  ASSERT_EQ(tap.error(), "");
  tap.Endpoint("10.0.0.2:20880");
  const RunResult result = tap.Run(V4().Payload(Request()).Build(), 0x1234);
  EXPECT_EQ(result.verdict, kContinue);
  EXPECT_THAT(tap.Counted(), ElementsAre(Pair("own_packets", 1), Pair("packets", 1)));
  tap.Run(V4().Payload(Request()).Build(), 0x1235);
  EXPECT_EQ(tap.Records().frames.size(), 1U);
}

TEST_F(TapProgramTest, OwnConnectionIsNeverAFlow) {
  tap_->OwnConnection("10.0.0.1:40000", "10.0.0.2:20880");
  tap_->Pass({V4().Payload(Request()).Build()});
  const auto counted = tap_->Counted();
  EXPECT_THAT(counted, Contains(Pair("own_packets", 1)));
  EXPECT_EQ(counted.count("flows_created"), 0U);
  EXPECT_EQ(tap_->Records().records, 0U);
}

TEST_F(TapProgramTest, AForeignConnectionFromAPortThatAnOwnOneHasTooIsFollowed) {
  tap_->OwnConnection("10.0.0.1:40000", "10.0.0.9:20880");
  tap_->Pass({V4().Payload(Request()).Build()});
  EXPECT_EQ(tap_->Counted().count("own_packets"), 0U);
  EXPECT_EQ(tap_->Records().frames.size(), 1U);
}

TEST_F(TapProgramTest, StaleHeartbeatLetsEverythingGo) {
  tap_->Heartbeat(0);
  tap_->Pass({V4().Payload(Request()).Build()});
  EXPECT_THAT(tap_->Counted(), ElementsAre(Pair("heartbeat_stale", 1), Pair("packets", 1)));
  tap_->Heartbeat(1);
  tap_->Pass({V4().Payload(Request()).Build()});
  EXPECT_THAT(tap_->Counted(), ElementsAre(Pair("heartbeat_stale", 1), Pair("packets", 1)));
  EXPECT_EQ(tap_->Records().records, 0U);
}

TEST_F(TapProgramTest, WakesASleepingWorkerOnce) {
  tap_->Pass({V4().Seq(1).Payload(Request()).Build()});
  EXPECT_EQ(tap_->Counted().count("wakeups"), 0U) << "an awake worker needs no wake-up";
  tap_->Asleep(true);
  tap_->Pass({V4().Seq(301).Payload(Request()).Build(), V4().Seq(601).Payload(Request()).Build()});
  EXPECT_THAT(tap_->Counted(), Contains(Pair("wakeups", 1)));
  EXPECT_FALSE(tap_->asleep());
}

}  // namespace
}  // namespace rpctee::test
