// What TCP may do to a flow: bytes twice, holes, resets, new connections on old ports.
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

class FlowTest : public TapProgramTest {
 protected:
  static ByteVector At(uint32_t seq, Bytes payload, uint8_t flags = kAck) {
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

TEST_F(FlowTest, AHoleIsAGapAndTheNextHeadIsFound) {
  tap_->Pass({At(1, a_), At(601, c_)});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(a_, c_));
  EXPECT_THAT(tap_->Counted(), Contains(Pair("gaps", 1)));
}

TEST_F(FlowTest, AHoleInsideARequestCutsItAndInventsNothing) {
  const ByteVector big = DubboRequest(9, 3000);
  tap_->Pass({At(1, Slice(big, 0, 1000)), At(2001, Slice(big, 2000)), At(3001, a_)});
  const auto copied = tap_->Records();
  EXPECT_THAT(copied.frames, ElementsAre(a_));
  EXPECT_THAT(copied.cuts, ElementsAre(static_cast<uint32_t>(RPCTEE_CUT_GAP)));
}

TEST_F(FlowTest, WhatComesLateAfterAHoleIsNotSeenTwice) {
  tap_->Pass({At(1, a_), At(601, c_), At(301, b_), At(601, c_)});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(a_, c_));
}

TEST_F(FlowTest, JoinsAConnectionAtTheNextPacketThatStartsWithARequest) {
  tap_->Pass({At(77, Slice(a_, 100)), At(277, b_)});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(b_));
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
