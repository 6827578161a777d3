// What TCP may do to a flow: bytes twice, holes, resets, new connections on old ports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "bpf/tap_program.h"
#include "support/dubbo_frames.h"
#include "support/packet_builder.h"

namespace rpctee::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class FlowTest : public TapProgramTest {
 protected:
  static ByteVector At(uint32_t seq, Bytes payload, uint8_t flags = kAck | kPsh) {
    return TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Seq(seq).Flags(flags).Payload(payload).Build();
  }
  const ByteVector a_ = DubboRequest(1, 300);
  const ByteVector b_ = DubboRequest(2, 300);
  const ByteVector c_ = DubboRequest(3, 300);
};

TEST_F(FlowTest, ARetransmissionIsSeenOnce) {
  tap_->Pass({At(1, a_), At(1, a_), At(301, b_), At(1, a_)});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(a_, b_));
  EXPECT_THAT(tap_->Counted(), Contains(Pair("retransmitted", 2)));
}

TEST_F(FlowTest, AKeepAliveByteIsARetransmission) {
  tap_->Pass({At(1, a_), At(300, Slice(a_, 299)), At(301, b_)});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(a_, b_));
}

TEST_F(FlowTest, APartialOverlapIsTrimmedAndTheFirstCopyWins) {
  ByteVector other = Join({a_, b_});
  other[20] ^= 0xff;
  tap_->Pass({At(1, a_), At(1, other), At(601, c_)});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(a_, b_, c_));
}

std::vector<uint32_t> Kinds(const TapProgram::Copied& copied) {
  std::vector<uint32_t> kinds;
  for (const TapProgram::StreamRecord& record : copied.stream) {
    kinds.push_back(record.kind);
  }
  return kinds;
}

TEST_F(FlowTest, AfterAHoleEveryByteGoesUpUntilTheAgentHandsTheFlowBack) {
  tap_->Pass({At(1, a_), At(601, c_)});
  auto copied = tap_->Records();
  EXPECT_THAT(copied.frames, ElementsAre(a_));
  EXPECT_THAT(Kinds(copied), ElementsAre(RPCTEE_RECORD_STREAM_BEGIN, RPCTEE_RECORD_STREAM_DATA));
  EXPECT_EQ(copied.stream[0].seq, 301U) << "the first missing byte";
  EXPECT_EQ(copied.stream[1].seq, 601U);
  EXPECT_EQ(copied.stream[1].bytes, c_);
  EXPECT_EQ(copied.stream[1].holes, 1U);

  tap_->Pass({At(301, b_), At(901, a_)});
  copied = tap_->Records();
  EXPECT_THAT(copied.frames, IsEmpty()) << "framing is the agent's now";
  EXPECT_THAT(Kinds(copied), ElementsAre(RPCTEE_RECORD_STREAM_DATA, RPCTEE_RECORD_STREAM_DATA));

  tap_->HandBack(1);
  tap_->Pass({At(1201, b_), At(1501, c_)});
  copied = tap_->Records();
  EXPECT_THAT(Kinds(copied), ElementsAre(RPCTEE_RECORD_STREAM_END));
  EXPECT_EQ(copied.stream[0].seq, 1201U);
  EXPECT_THAT(copied.frames, ElementsAre(b_, c_));
  auto counted = tap_->Counted();
  EXPECT_EQ(counted["streams"], 1U);
  EXPECT_EQ(counted["handbacks"], 1U);
  EXPECT_EQ(counted["stream_packets"], 3U);
  EXPECT_EQ(counted["stream_bytes"], 900U);
  EXPECT_EQ(counted.count("gaps"), 0U);
}

TEST_F(FlowTest, AHoleThatTheAgentDidNotKnowOfKeepsTheFlowInStream) {
  tap_->Pass({At(1, a_), At(601, c_), At(1201, a_)});
  EXPECT_EQ(tap_->Records().stream.back().holes, 2U);
  tap_->HandBack(1);
  tap_->Pass({At(1501, b_)});
  EXPECT_THAT(Kinds(tap_->Records()), ElementsAre(RPCTEE_RECORD_STREAM_DATA));
  tap_->HandBack(2);
  tap_->Pass({At(1801, b_)});
  EXPECT_THAT(Kinds(tap_->Records()), ElementsAre(RPCTEE_RECORD_STREAM_END));
}

TEST_F(FlowTest, IsTakenBackOnlyAtASegmentThatContinuesAndStartsWithARequest) {
  tap_->Pass({At(1, a_), At(601, c_), At(301, b_)});
  tap_->Records();
  tap_->HandBack(1);
  tap_->Pass({At(901, Slice(a_, 0, 100)), At(301, b_), At(1001, Slice(a_, 100))});
  EXPECT_THAT(Kinds(tap_->Records()), ElementsAre(RPCTEE_RECORD_STREAM_END)) << "a request's start is enough";
  EXPECT_THAT(tap_->Counted(), Contains(Pair("retransmitted", 1)));
}

TEST_F(FlowTest, IsNotTakenBackByAFewBytesThatCouldBeTheStartOfARequest) {
  tap_->Pass({At(1, a_), At(601, c_), At(301, b_)});
  tap_->Records();
  tap_->HandBack(1);
  tap_->Pass({At(901, Slice(a_, 0, 19)), At(920, Slice(a_, 19))});
  EXPECT_THAT(Kinds(tap_->Records()), ElementsAre(RPCTEE_RECORD_STREAM_DATA, RPCTEE_RECORD_STREAM_DATA));
  tap_->Pass({At(1201, Slice(b_, 0, 20))});
  EXPECT_THAT(Kinds(tap_->Records()), ElementsAre(RPCTEE_RECORD_STREAM_END));
}

TEST_F(FlowTest, WhatTheAgentGivesUpIsAGapAndTheNextHeadIsFound) {
  tap_->Pass({At(1, a_), At(601, c_)});
  tap_->Records();
  tap_->GiveUp();
  tap_->Pass({At(901, b_)});
  const auto copied = tap_->Records();
  EXPECT_THAT(copied.cuts, ElementsAre(static_cast<uint32_t>(RPCTEE_CUT_GAP)));
  EXPECT_THAT(copied.frames, ElementsAre(b_));
  EXPECT_THAT(tap_->Counted(), Contains(Pair("gaps", 1)));
}

TEST_F(FlowTest, AWordAboutAnEarlierFlowOfTheSameAddressesIsNotHeeded) {
  tap_->Pass({At(1, a_), At(601, c_)});
  tap_->Records();
  tap_->HandBack(1);
  tap_->Pass({At(5000, {}, kSyn), At(5001, a_), At(5601, c_), At(5901, b_)});
  EXPECT_THAT(Kinds(tap_->Records()),
              ElementsAre(RPCTEE_RECORD_STREAM_BEGIN, RPCTEE_RECORD_STREAM_DATA, RPCTEE_RECORD_STREAM_DATA));
}

class WordTest : public FlowTest {
 protected:
  // A stream that the program took back, and one that began after it.
  void TwoStreams(void (*say)(TapProgram&)) {
    tap_->Pass({At(1, a_), At(601, c_), At(301, b_)});
    tap_->Records();
    tap_->HandBack(1);
    tap_->Pass({At(901, a_)});
    ASSERT_THAT(Kinds(tap_->Records()), ElementsAre(RPCTEE_RECORD_STREAM_END));
    say(*tap_);
    tap_->Pass({At(1501, c_), At(1801, a_)});
  }
};

TEST_F(WordTest, ToGiveUpAnEarlierStreamIsNotHeededInTheNext) {
  TwoStreams([](TapProgram& tap) { tap.GiveUp(); });
  const auto copied = tap_->Records();
  EXPECT_THAT(copied.cuts, IsEmpty());
  EXPECT_THAT(Kinds(copied),
              ElementsAre(RPCTEE_RECORD_STREAM_BEGIN, RPCTEE_RECORD_STREAM_DATA, RPCTEE_RECORD_STREAM_DATA));
  tap_->GiveUp();
  tap_->Pass({At(2101, b_)});
  EXPECT_THAT(tap_->Records().cuts, ElementsAre(static_cast<uint32_t>(RPCTEE_CUT_GAP))) << "of this one it is";
}

TEST_F(WordTest, ToPassOverAConnectionIsNotHeededInALaterStream) {
  TwoStreams([](TapProgram& tap) { tap.Ignore(RPCTEE_CONTENT_TLS); });
  EXPECT_THAT(Kinds(tap_->Records()),
              ElementsAre(RPCTEE_RECORD_STREAM_BEGIN, RPCTEE_RECORD_STREAM_DATA, RPCTEE_RECORD_STREAM_DATA));
  EXPECT_EQ(tap_->Counted().count("ignored_tls"), 0U);
}

TEST_F(WordTest, ToTakeTheFlowBackHoldsHoweverMuchComesBeforeASegmentThatStartsWithARequest) {
  tap_->Pass({At(1, a_), At(601, c_), At(301, b_)});
  tap_->Records();
  tap_->HandBack(1);
  const ByteVector body(3'000, 'x');
  uint32_t seq = 901;
  // 24 MB; without a word a flow may send up 16 MiB.
  for (int i = 0; i < 8'000; ++i, seq += 3'000) {
    tap_->Pass({At(seq, body)});
    tap_->Records();
  }
  tap_->Pass({At(seq, a_)});
  const auto copied = tap_->Records();
  EXPECT_THAT(Kinds(copied), ElementsAre(RPCTEE_RECORD_STREAM_END));
  EXPECT_THAT(copied.frames, ElementsAre(a_));
  EXPECT_EQ(tap_->Counted().count("gaps"), 0U);
}

TEST_F(FlowTest, AHoleTooFarAheadIsAGapAtOnce) {
  tap_->Pass({At(1, a_), At(1 + (5 << 20), c_)});
  const auto copied = tap_->Records();
  EXPECT_THAT(copied.frames, ElementsAre(a_, c_));
  EXPECT_THAT(copied.cuts, ElementsAre(static_cast<uint32_t>(RPCTEE_CUT_GAP))) << "between requests too";
  EXPECT_THAT(tap_->Counted(), Contains(Pair("gaps", 1)));
}

TEST_F(FlowTest, AFrameUnderWayGoesToTheAgentWithItsState) {
  const ByteVector big = DubboRequest(9, 3000);
  tap_->Pass({At(1, Slice(big, 0, 1000)), At(2001, Slice(big, 2000))});
  const auto copied = tap_->Records();
  EXPECT_THAT(copied.cuts, IsEmpty());
  ASSERT_THAT(Kinds(copied), ElementsAre(RPCTEE_RECORD_STREAM_BEGIN, RPCTEE_RECORD_STREAM_DATA));
  rpctee_flow flow{};
  ASSERT_EQ(copied.stream[0].bytes.size(), sizeof(flow));
  std::memcpy(&flow, copied.stream[0].bytes.data(), sizeof(flow));
  EXPECT_EQ(flow.frame_bytes, 3000U);
  EXPECT_EQ(flow.frame_left, 2000U);
  EXPECT_EQ(flow.copy_state, static_cast<uint32_t>(RPCTEE_COPY_ACTIVE));
}

TEST_F(FlowTest, AFullRingEndsStreamWithAGap) {
  TapProgram tap({.ring_bytes = 4096});
  ASSERT_EQ(tap.error(), "");
  tap.Endpoint("10.0.0.2:20880");
  tap.Pass({At(1, a_), At(601, c_)});
  uint32_t seq = 901;
  for (int i = 0; i < 20; ++i, seq += 300) {
    tap.Pass({At(seq, a_)});
  }
  auto counted = tap.Counted();
  EXPECT_EQ(counted["gaps"], 1U);
  EXPECT_EQ(counted["parts_lost"], 1U);
  EXPECT_GT(counted["ring_full"], 0U) << "framed again, and no room";
  EXPECT_EQ(counted["seen"], counted["sampled"] + counted["ring_full"]);
}

TEST_F(FlowTest, ASynStartsTheFlowAnew) {
  tap_->Pass({At(1, Slice(a_, 0, 200)), At(5000, {}, kSyn), At(5001, b_)});
  const auto copied = tap_->Records();
  EXPECT_THAT(copied.cuts, ElementsAre(static_cast<uint32_t>(RPCTEE_CUT_FLOW_ENDED)));
  EXPECT_THAT(copied.frames, ElementsAre(b_));
}

TEST_F(FlowTest, AResetEndsTheFlowInsideARequest) {
  tap_->Pass({At(1, Slice(a_, 0, 200)), At(201, {}, kRst)});
  EXPECT_THAT(tap_->Records().cuts, ElementsAre(static_cast<uint32_t>(RPCTEE_CUT_FLOW_ENDED)));
}

TEST_F(FlowTest, DataSentAgainAfterAFinIsNotSeenTwice) {
  tap_->Pass({At(1, a_), At(301, b_, kFin | kAck), At(1, a_), At(301, b_, kFin | kAck)});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(a_, b_));
}

TEST_F(FlowTest, AFinInsideARequestCutsIt) {
  tap_->Pass({At(1, Slice(a_, 0, 200), kFin | kAck)});
  EXPECT_THAT(tap_->Records().cuts, ElementsAre(static_cast<uint32_t>(RPCTEE_CUT_FLOW_ENDED)));
}

TEST_F(FlowTest, AFinThatOvertookTheRestOfARequestDoesNotCutIt) {
  tap_->Pass({At(1, Slice(a_, 0, 200)), At(301, {}, kFin | kAck), At(201, Slice(a_, 200)), At(301, {}, kFin | kAck)});
  const auto copied = tap_->Records();
  EXPECT_THAT(copied.cuts, IsEmpty());
  EXPECT_THAT(copied.frames, ElementsAre(a_));
}

TEST_F(FlowTest, AStreamFarBehindTheCursorIsANewConnection) {
  tap_->Pass({At(0x40000000, a_), At(1, b_), At(301, c_)});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(a_, b_, c_));
}

TEST_F(FlowTest, SynsMakeNoFlows) {
  for (uint16_t port = 1; port < 1000; ++port) {
    tap_->Pass({TcpPacket("10.9.9.9:" + std::to_string(port), "10.0.0.2:20880").Flags(kSyn).Build()});
  }
  auto counted = tap_->Counted();
  EXPECT_EQ(counted["no_payload"], 999U);
  EXPECT_EQ(counted.count("flows_created"), 0U);
}

TEST_F(FlowTest, TwoConnectionsDoNotMix) {
  const auto other = [](uint32_t seq, Bytes payload) {
    return TcpPacket("10.0.0.1:40001", "10.0.0.2:20880").Seq(seq).Payload(payload).Build();
  };
  Connect("10.0.0.1:40001", "10.0.0.2:20880");
  tap_->Pass({At(1, Slice(a_, 0, 10)), other(1, Slice(b_, 0, 150)), At(11, Slice(a_, 10)), other(151, Slice(b_, 150))});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(a_, b_));
}

TEST_F(FlowTest, TheSamePacketsAtASecondHookAreSeenOnce) {
  const std::vector<ByteVector> packets = {At(1, a_), At(1, a_), At(301, b_), At(301, b_)};
  tap_->Pass(packets);
  EXPECT_THAT(tap_->Records().frames, ElementsAre(a_, b_));
}

}  // namespace
}  // namespace rpctee::test
