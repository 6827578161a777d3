#include "replay/segmenter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/dubbo_frames.h"
#include "support/packet_builder.h"

namespace rpctee::replay {
namespace {

using test::ByteVector;
using test::TcpPacket;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

std::vector<ByteVector> Rewrite(Segmenter& segmenter, const ByteVector& frame) {
  std::vector<ByteVector> frames;
  segmenter.Rewrite(frame, [&](Bytes piece) { frames.emplace_back(piece.begin(), piece.end()); });
  return frames;
}

std::vector<ByteVector> Split(const ByteVector& frame, uint32_t max_segment_bytes) {
  Segmenter segmenter({.max_segment_bytes = max_segment_bytes});
  return Rewrite(segmenter, frame);
}

uint8_t FlagsOf(const ByteVector& frame) { return frame[FindTcp(frame)->tcp_offset + 13]; }
uint32_t SeqOf(const ByteVector& frame) {
  return ByteReader(Bytes(frame).subspan(FindTcp(frame)->tcp_offset + 4)).Be32();
}

TcpPacket V4() { return TcpPacket("10.0.0.1:40000", "10.0.0.2:20880"); }
TcpPacket V6() { return TcpPacket("[fd00::1]:40000", "[fd00::2]:20880"); }

TEST(Segmenter, PiecesAreThePacketsThatASmallerSegmentSizeWouldHaveMade) {
  const ByteVector payload = test::DubboRequest(7, 250);
  const std::pair<const char*, TcpPacket> rows[] = {
      {"IPv4", V4()},
      {"IPv4 with VLAN tags and options", V4().QinQ(3, 4).Ipv4Options(8).TcpOptions(12)},
      {"IPv6", V6()},
      {"IPv6 with VLAN tag and extension headers", V6().Vlan(3).Ipv6Extension(test::kHopByHop, 16).TcpOptions(12)},
  };
  for (const auto& [name, row] : rows) {
    TcpPacket packet = row;
    packet.Seq(1000).Flags(test::kAck | test::kPsh);
    const std::vector<ByteVector> pieces = Split(packet.Payload(payload).Build(), 100);
    ASSERT_EQ(pieces.size(), 3U) << name;
    for (size_t i = 0; i < pieces.size(); ++i) {
      ByteVector expected = packet.Seq(static_cast<uint32_t>(1000 + 100 * i))
                                .Flags(i == 2 ? test::kAck | test::kPsh : test::kAck)
                                .Payload(test::Slice(payload, 100 * i, 100 * (i + 1)))
                                .Build();
      ByteVector piece = pieces[i];
      const TcpLayout layout = FindTcp(piece).value();
      // The TCP checksum is not recomputed.
      for (ByteVector* frame : {&expected, &piece}) {
        (*frame)[layout.tcp_offset + 16] = (*frame)[layout.tcp_offset + 17] = 0;
      }
      if (!layout.is_v6) {
        // The identification counts up, from the builder's 1; with it the header checksum goes down.
        EXPECT_EQ(ByteReader(Bytes(piece).subspan(layout.ip_offset + 4)).Be16(), 1 + i) << name;
        uint32_t sum = 0;
        for (size_t at = 0; at < layout.ip_header_bytes; at += 2) {
          sum += ByteReader(Bytes(piece).subspan(layout.ip_offset + at)).Be16();
        }
        EXPECT_EQ((sum & 0xffff) + (sum >> 16), 0xffffU) << name;
        for (ByteVector* frame : {&expected, &piece}) {
          for (const size_t at : {4, 5, 10, 11}) {
            (*frame)[layout.ip_offset + at] = 0;
          }
        }
      }
      EXPECT_THAT(piece, ElementsAreArray(expected)) << name << ", piece " << i;
    }
  }
}

TEST(Segmenter, APayloadThatFitsIsLeftAloneByteForByte) {
  const ByteVector frame = V4().Payload(ByteVector(100, 'x')).EthernetPadding(4).Build();
  EXPECT_THAT(Split(frame, 100), ElementsAre(frame));
  EXPECT_THAT(Split(frame, 0), ElementsAre(frame));
  EXPECT_EQ(Split(frame, 99).size(), 2U);
}

TEST(Segmenter, PaddingAfterThePacketDoesNotBecomePayload) {
  const auto pieces = Split(V4().Payload("abcd").EthernetPadding(9).Build(), 3);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(pieces[1].size(), V4().HeaderBytes() + 1);
  EXPECT_EQ(pieces[1].back(), 'd');
}

TEST(Segmenter, ASynWithDataTakesOneSequenceNumberBeforeTheData) {
  const auto pieces = Split(V4().Seq(10).Flags(test::kSyn).Payload("abcd").Build(), 2);
  ASSERT_EQ(pieces.size(), 2U);
  EXPECT_EQ(SeqOf(pieces[0]), 10U);
  EXPECT_EQ(FlagsOf(pieces[0]), test::kSyn);
  EXPECT_EQ(SeqOf(pieces[1]), 13U);
  EXPECT_EQ(FlagsOf(pieces[1]), 0);
}

TEST(Segmenter, FinIsOnTheLastPieceOnlyAndCwrOnTheFirst) {
  const auto pieces = Split(V4().Flags(test::kAck | test::kFin | test::kCwr | test::kEce).Payload("abc").Build(), 1);
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(FlagsOf(pieces[0]), test::kAck | test::kCwr | test::kEce);
  EXPECT_EQ(FlagsOf(pieces[1]), test::kAck | test::kEce);
  EXPECT_EQ(FlagsOf(pieces[2]), test::kAck | test::kFin | test::kEce);
}

TEST(Segmenter, SequenceNumbersWrap) {
  const auto pieces = Split(V6().Seq(0xffffffff).Payload("abc").Build(), 1);
  ASSERT_EQ(pieces.size(), 3U);
  EXPECT_EQ(SeqOf(pieces[1]), 0U);
  EXPECT_EQ(SeqOf(pieces[2]), 1U);
}

TEST(Segmenter, WhatIsNoPlainTcpDataIsLeftAlone) {
  const ByteVector data(300, 'x');
  for (const TcpPacket& packet :
       {V4().Payload(data).Protocol(17), V4().Payload(data).Fragment(0, true), V4().Payload(data).Flags(test::kRst),
        V4().Payload(data).Flags(test::kAck | test::kUrg), V4().Payload(data).CutTo(200),
        V6().Payload(data).IpLength(0)}) {
    const ByteVector frame = packet.Build();
    EXPECT_THAT(Split(frame, 100), ElementsAre(frame));
  }
  EXPECT_THAT(Split({}, 100), ElementsAre(ByteVector{}));
}

TEST(Segmenter, PacketsBeforeTheFirstWantedAreLeftOut) {
  Segmenter segmenter({.max_segment_bytes = 2, .first_packet = 3});
  const ByteVector frame = V4().Payload("abcd").Build();
  EXPECT_TRUE(Rewrite(segmenter, frame).empty());
  EXPECT_TRUE(Rewrite(segmenter, frame).empty());
  EXPECT_EQ(Rewrite(segmenter, frame).size(), 2U);
  EXPECT_EQ(Rewrite(segmenter, frame).size(), 2U);
}

TEST(Segmenter, AFullSuperPacketIsSplitWithoutLosingAByte) {
  const ByteVector payload = test::DubboRequest(1, 65'495);  // 65,535 with both headers
  const ByteVector frame = V4().Payload(payload).Build();
  ASSERT_EQ(frame.size(), 65'549U);
  ByteVector joined;
  for (const ByteVector& piece : Split(frame, 1448)) {
    const TcpLayout layout = FindTcp(piece).value();
    EXPECT_EQ(layout.payload_offset + layout.payload_bytes, piece.size());
    joined.insert(joined.end(), piece.begin() + static_cast<ptrdiff_t>(layout.payload_offset), piece.end());
  }
  EXPECT_EQ(joined, payload);
}

}  // namespace
}  // namespace rpctee::replay
