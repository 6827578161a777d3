// How a connection begins, and how the program comes into the middle of one: what it frames, what it asks the agent,
// what it passes over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpf/tap_program.h"
#include "support/dubbo_frames.h"
#include "support/packet_builder.h"

namespace rpctee::test {
namespace {

using namespace std::string_view_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

ByteVector BytesOf(std::string_view text) { return {text.begin(), text.end()}; }

// A framed Thrift message of `frame_bytes`, filled up behind its first bytes.
ByteVector ThriftFrame(std::string_view message, size_t frame_bytes) {
  ByteVector frame(frame_bytes, 0);
  const size_t length = frame_bytes - 4;
  for (size_t i = 0; i < 4; ++i) {
    frame[i] = static_cast<uint8_t>(length >> (24 - 8 * i));
  }
  std::copy(message.begin(), message.end(), frame.begin() + 4);
  return frame;
}

const ByteVector kBinaryCall = ThriftFrame("\x80\x01\x00\x01\x00\x00\x00\x08sayHello\x00\x00\x00\x01"sv, 60);
const ByteVector kBinaryOneway = ThriftFrame(
    "\x80\x01\x00\x04\x00\x00\x00\x04"
    "fire\x00\x00\x00\x00"sv,
    40);
const ByteVector kOldBinaryCall = ThriftFrame("\x00\x00\x00\x08sayHello\x01\x00\x00\x00\x01"sv, 60);
const ByteVector kCompactCall = ThriftFrame("\x82\x21\x01\x08sayHello"sv, 60);
const ByteVector kCompactLateCall = ThriftFrame("\x82\x21\xff\xff\xff\xff\x07\x08sayHello"sv, 60);
const ByteVector kHeaderCall =
    ThriftFrame("\x0f\xff\x00\x00\x00\x00\x00\x07\x00\x01\x00\x00\x00\x00\x80\x01\x00\x01"sv, 60);

class StartTest : public TapProgramTest {
 protected:
  static ByteVector At(uint32_t seq, Bytes payload, uint8_t flags = kAck | kPsh) {
    return TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Seq(seq).Flags(flags).Payload(payload).Build();
  }
  // From the middle of a connection: its SYN was never seen.
  static ByteVector Middle(uint32_t seq, Bytes payload, uint8_t flags = kAck | kPsh) {
    return TcpPacket("10.0.0.1:50000", "10.0.0.2:20880").Seq(seq).Flags(flags).Payload(payload).Build();
  }
  std::vector<TapProgram::StreamRecord> Streamed() { return tap_->Records().stream; }

  const ByteVector a_ = DubboRequest(1, 300);
  const ByteVector b_ = DubboRequest(2, 300);
};

class ThriftStartTest : public StartTest, public testing::WithParamInterface<ByteVector> {};

TEST_P(ThriftStartTest, AFramedRequestStartsTheFlowAndEveryFrameIsCopied) {
  const ByteVector& call = GetParam();
  const auto next = static_cast<uint32_t>(1 + call.size() + kBinaryCall.size());
  tap_->Pass(
      {At(1, Join({call, kBinaryCall})), At(next, Slice(kBinaryOneway, 0, 2)), At(next + 2, Slice(kBinaryOneway, 2))});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(call, kBinaryCall, kBinaryOneway));
  auto counted = tap_->Counted();
  EXPECT_EQ(counted["seen"], 3U);
  EXPECT_EQ(counted["sampled"], 3U);
}

TEST_P(ThriftStartTest, AWholeRequestInThePacketIsBelievedInTheMiddleToo) {
  tap_->Pass({Middle(1, GetParam())});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Forms, ThriftStartTest,
                         testing::Values(kBinaryCall, kBinaryOneway, kOldBinaryCall, kCompactCall, kCompactLateCall,
                                         kHeaderCall));

TEST_F(StartTest, AThriftMessageOf256MebibytesIsPassedOverAndAByteMoreIsNoFrame) {
  const auto announced = [](std::string_view length) {
    ByteVector head = Slice(kBinaryCall, 0, 40);
    std::copy(length.begin(), length.end(), head.begin());
    return head;
  };
  tap_->Pass({At(1, announced("\x10\x00\x00\x00"sv))});
  EXPECT_THAT(tap_->Counted(), Contains(Pair("too_big", 1))) << "as the first request of a connection";
  tap_->Pass({At(999, {}, kSyn), At(1'000, announced("\x10\x00\x00\x01"sv))});
  EXPECT_THAT(tap_->Counted(), Contains(Pair("ignored_other", 1)));
  tap_->Pass({At(2'999, {}, kSyn), At(3'000, kBinaryCall), At(3'060, announced("\x10\x00\x00\x00"sv))});
  EXPECT_THAT(tap_->Counted(), Contains(Pair("too_big", 1))) << "and as a later one";
  tap_->Pass({At(4'999, {}, kSyn), At(5'000, kBinaryCall), At(5'060, announced("\x10\x00\x00\x01"sv))});
  EXPECT_THAT(tap_->Counted(), Contains(Pair("lost_sync", 1)));
}

TEST_F(StartTest, AThriftLengthThatNoFrameHasLosesSync) {
  ByteVector none(4, 0);
  tap_->Pass({At(1, kBinaryCall), At(61, none)});
  EXPECT_THAT(tap_->Counted(), Contains(Pair("lost_sync", 1)));
  tap_->Pass({At(65, kBinaryCall)});
  const auto copied = tap_->Records();
  EXPECT_EQ(copied.frames.size(), 2U) << "and the next request is found";
  EXPECT_THAT(copied.cuts, ElementsAre(static_cast<uint32_t>(RPCTEE_CUT_GAP))) << "the agent hears of it";
}

struct IgnoredCase {
  const char* name;
  const char* counter;
  std::string_view first;
};

class IgnoredTest : public StartTest, public testing::WithParamInterface<IgnoredCase> {};

TEST_P(IgnoredTest, IsCountedOnceAndPassedOverWhateverComesLater) {
  const ByteVector first = BytesOf(GetParam().first);
  const auto next = static_cast<uint32_t>(1 + first.size());
  tap_->Pass({At(1, first), At(next, a_), At(next + 300, b_)});
  EXPECT_EQ(tap_->Records().records, 0U);
  auto counted = tap_->Counted();
  EXPECT_EQ(counted[GetParam().counter], 1U);
  EXPECT_EQ(counted["ignored_packets"], 2U);
  EXPECT_EQ(counted.count("seen"), 0U);
  // A new connection on the same ports is looked at anew.
  tap_->Pass({At(8'999, {}, kSyn), At(9'000, a_)});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(a_));
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, IgnoredTest,
    testing::Values(
        IgnoredCase{"Tls", "ignored_tls", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv},
        IgnoredCase{"Http2", "ignored_http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        IgnoredCase{"Get", "ignored_http1", "GET / HTTP/1.1\r\n\r\n"},
        IgnoredCase{"Post", "ignored_http1", "POST /a HTTP/1.1\r\n\r\n"},
        IgnoredCase{"Options", "ignored_http1", "OPTIONS * HTTP/1.1\r\n\r\n"},
        IgnoredCase{"Telnet", "ignored_telnet", "ls\r\n"},
        IgnoredCase{"TelnetWithCapital", "ignored_telnet", "PWD \r\n"},
        IgnoredCase{"TelnetOptions", "ignored_telnet", "\xff\xfb\x1f\xff\xfb\x20"},
        IgnoredCase{"Answer", "ignored_other", "\xda\xbb\x02\x14\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01N"sv},
        IgnoredCase{"DubboLengthBomb", "ignored_other",
                    "\xda\xbb\xc2\x00\x00\x00\x00\x00\x00\x00\x00\x01\x7f\xff\xff\xff\x05"
                    "2.0.2"sv},
        IgnoredCase{"ThriftLengthBomb", "ignored_other", "\x7f\xff\xff\xff\x80\x01\x00\x01\x00\x00\x00\x04"sv},
        IgnoredCase{"ThriftReply", "ignored_other",
                    "\x00\x00\x00\x38\x80\x01\x00\x02\x00\x00\x00\x08sayHello\x00\x00\x00\x01"sv},
        IgnoredCase{"Zeros", "ignored_other", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"sv}),
    [](const auto& row) { return row.param.name; });

TEST_F(StartTest, ADubboRequestInAnySerializationStartsTheFlow) {
  for (uint8_t serialization = 1; serialization < 32; ++serialization) {
    ByteVector request = a_;
    request[2] = static_cast<uint8_t>(0xc0 | serialization);
    const auto seq = static_cast<uint32_t>(serialization * 1'000);
    tap_->Pass({At(seq - 1, {}, kSyn), At(seq, request)});
    EXPECT_THAT(tap_->Records().frames, ElementsAre(request)) << int{serialization};
  }
}

TEST_F(StartTest, UnframedThriftGoesToTheAgentFromItsFirstByte) {
  for (const std::string_view start :
       {"\x80\x01\x00\x01\x00\x00\x00\x08sayHello\x00\x00\x00\x01"sv, "\x82\x21\x01\x08sayHello"sv}) {
    const ByteVector call = BytesOf(start);
    tap_->Pass({At(999, {}, kSyn), At(1'000, call)});
    const auto records = Streamed();
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0].kind, static_cast<uint32_t>(RPCTEE_RECORD_STREAM_BEGIN));
    EXPECT_EQ(records[0].start, static_cast<uint32_t>(RPCTEE_START_FIRST_BYTE));
    EXPECT_EQ(records[0].seq, 1'000U);
    EXPECT_EQ(records[1].bytes, call);
    EXPECT_EQ(records[1].holes, 0U);
    tap_->Pass({At(static_cast<uint32_t>(1'000 + call.size()), {}, kRst)});
    tap_->Records();
  }
}

TEST_F(StartTest, TooFewBytesToTellGoToTheAgent) {
  tap_->Pass({At(1, BytesOf("\x00\x00"sv)), At(3, Slice(kBinaryCall, 2))});
  const auto records = Streamed();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].start, static_cast<uint32_t>(RPCTEE_START_FIRST_BYTE));
  EXPECT_EQ(records[2].seq, 3U);
}

TEST_F(StartTest, AHoleBeforeTheFirstRequestIsMendedByTheAgent) {
  tap_->Pass({At(301, b_)});
  auto records = Streamed();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].start, static_cast<uint32_t>(RPCTEE_START_FIRST_BYTE));
  EXPECT_EQ(records[0].seq, 1U) << "the first byte of the connection";
  EXPECT_EQ(records[1].seq, 301U);
  EXPECT_EQ(records[1].holes, 1U);
  tap_->Pass({At(1, a_)});
  EXPECT_EQ(Streamed().size(), 1U);
  tap_->HandBack(1);
  tap_->Pass({At(601, a_)});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(a_));
}

TEST_F(StartTest, TheMiddleOfAConnectionGoesToTheAgentUntilItKnowsTheProtocol) {
  tap_->Pass({Middle(77, Slice(a_, 100)), Middle(277, b_)});
  auto records = Streamed();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].start, static_cast<uint32_t>(RPCTEE_START_UNKNOWN));
  EXPECT_EQ(records[0].seq, 77U);
  EXPECT_EQ(records[1].bytes, Slice(a_, 100));
  EXPECT_EQ(records[2].bytes, b_);
  tap_->HandBack(0, RPCTEE_CONTENT_DUBBO);
  tap_->Pass({Middle(577, a_)});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(a_));
  EXPECT_THAT(tap_->Counted(), Contains(Pair("joins", 1)));
}

TEST_F(StartTest, ARequestInsideABodyIsNotBelieved) {
  const ByteVector decoy = DubboRequest(666, 300);
  const ByteVector rest(500, 'x');
  // At the start of a packet, with the rest of the body behind it; and filling a packet that is not the end of a write.
  tap_->Pass({Middle(1, Join({decoy, rest}))});
  EXPECT_THAT(tap_->Records().frames, IsEmpty());
  tap_->Pass({TcpPacket("10.0.0.1:50001", "10.0.0.2:20880").Flags(kAck).Payload(decoy).Build()});
  EXPECT_THAT(tap_->Records().frames, IsEmpty());
  EXPECT_THAT(tap_->Counted(), Contains(Pair("joins", 2)));
}

TEST_F(StartTest, TheAgentIsAskedAFewTimesAndThenOnlyWhereARequestMayStart) {
  uint32_t seq = 1;
  const ByteVector nothing(100, 'x');
  for (int i = 0; i < 5; ++i, seq += 100) {
    tap_->Pass({Middle(seq, nothing)});
    if (tap_->Records().records != 0) {
      tap_->GiveUp();
    }
  }
  auto counted = tap_->Counted();
  EXPECT_EQ(counted["joins"], 3U);
  EXPECT_EQ(counted["joins_failed"], 3U);
  EXPECT_EQ(counted["seek_packets"], 2U);
  tap_->Pass({Middle(seq, Join({a_, nothing}))});
  EXPECT_THAT(tap_->Counted(), Contains(Pair("joins", 1)));
}

TEST_F(StartTest, NoFlowIsMadeWhenNobodyMayAskAndNothingStarts) {
  tap_->JoinsLeft(0);
  tap_->Pass({Middle(1, ByteVector(100, 'x')), Middle(101, ByteVector(100, 'x'))});
  auto counted = tap_->Counted();
  EXPECT_EQ(counted["seek_packets"], 2U);
  EXPECT_EQ(counted.count("flows_created"), 0U);
  EXPECT_EQ(counted.count("joins"), 0U);
  tap_->Pass({Middle(201, Slice(a_, 0, 250))});
  counted = tap_->Counted();
  EXPECT_EQ(counted["joins_refused"], 1U);
  EXPECT_EQ(tap_->Records().records, 0U);
}

TEST_F(StartTest, TheAgentMayTellThatAConnectionIsToBePassedOver) {
  tap_->Pass({Middle(1, ByteVector(100, 'x'))});
  tap_->Records();
  tap_->Ignore(RPCTEE_CONTENT_TLS);
  tap_->Pass({Middle(101, ByteVector(100, 'x')), Middle(201, a_)});
  auto counted = tap_->Counted();
  EXPECT_EQ(counted["ignored_tls"], 1U);
  EXPECT_EQ(counted["ignored_packets"], 1U);
  EXPECT_EQ(tap_->Records().records, 0U);
}

TEST_F(StartTest, AStreamGoesOnAsLongAsTheAgentTakesIt) {
  const ByteVector piece(3'000, 0);
  ByteVector start = BytesOf("\x80\x01\x00\x01\x00\x00\x00\x08sayHello\x00\x00\x00\x01"sv);
  tap_->Pass({At(1, start)});
  auto seq = static_cast<uint32_t>(1 + start.size());
  // 24 MB; a flow may send up 16 MiB without a word.
  for (int i = 0; i < 8'000; ++i, seq += 3'000) {
    tap_->Pass({At(seq, piece)});
    tap_->Records();
    if (i % 2'000 == 1'999) {
      tap_->GoOn();
    }
  }
  auto counted = tap_->Counted();
  EXPECT_EQ(counted["stream_bytes"], 24'000'000U + start.size());
  EXPECT_EQ(counted.count("joins_failed"), 0U);
}

TEST_F(StartTest, ARepeatedSynDoesNotEndTheFlow) {
  tap_->Pass({At(1, Slice(a_, 0, 100)), At(0, {}, kSyn), At(101, Slice(a_, 100))});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(a_));
}

TEST_F(StartTest, AResetThatTheReceiverWouldNotHeedEndsNothing) {
  tap_->Pass({At(1, Slice(a_, 0, 100))});
  // Out of every window, in the window, behind it, and one byte off.
  for (const uint32_t seq : {0x50000000U, 5'000U, 1U, 100U, 103U}) {
    tap_->Pass({At(seq, {}, kRst), At(seq, {}, kRst | kAck)});
  }
  tap_->Pass({At(101, Slice(a_, 100))});
  const auto copied = tap_->Records();
  EXPECT_THAT(copied.cuts, IsEmpty());
  EXPECT_THAT(copied.frames, ElementsAre(a_));
}

TEST_F(StartTest, AResetBehindAFinEndsTheFlow) {
  tap_->Pass({At(1, a_, kFin | kAck), At(302, {}, kRst), At(301, b_)});
  EXPECT_EQ(tap_->Counted()["flows_created"], 2U);
}

TEST_F(StartTest, AResetBehindAllThatCameEndsAFlowWithAHole) {
  tap_->Pass({At(1, a_), At(601, b_), At(301, {}, kRst)});
  EXPECT_THAT(tap_->Records().cuts, IsEmpty()) << "where the hole begins is not known any more";
  tap_->Pass({At(901, {}, kRst)});
  EXPECT_THAT(tap_->Records().cuts, ElementsAre(static_cast<uint32_t>(RPCTEE_CUT_FLOW_ENDED)));
}

TEST_F(StartTest, AResetDoesNotBringAConnectionBackThatIsPassedOver) {
  const ByteVector tls = BytesOf("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"sv);
  tap_->Pass({At(1, tls), At(12, {}, kRst), At(12, a_)});
  EXPECT_THAT(tap_->Counted(), Contains(Pair("ignored_packets", 1)));
}

TEST_F(StartTest, DataInASynIsTheFirstByte) {
  tap_->Pass({At(6'999, a_, kSyn), At(7'000, a_), At(7'300, b_)});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(a_, b_)) << "once, also when it is sent again";
}

TEST_F(StartTest, WhatTheAgentSaidOfAStreamThatIsOverMeansNothingForTheNext) {
  tap_->Pass({Middle(1, Slice(a_, 100))});
  EXPECT_EQ(Streamed().size(), 2U);
  tap_->HandBack(0);
  // No segment starts with a request, until the program gives the stream up.
  const ByteVector body(3'000, 'x');
  uint32_t seq = 201;
  while (tap_->Counted()["joins_failed"] == 0) {
    ASSERT_LT(seq, 20U << 20);
    tap_->Pass({Middle(seq, body)});
    seq += 3'000;
  }
  (void)tap_->Records();
  tap_->Pass({Middle(seq, body), Middle(seq + 3'000, Join({a_, b_}))});
  const auto records = Streamed();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].start, static_cast<uint32_t>(RPCTEE_START_UNKNOWN));
  EXPECT_EQ(records[2].kind, static_cast<uint32_t>(RPCTEE_RECORD_STREAM_DATA));
  // What it says of this one does.
  tap_->HandBack(records[2].holes);
  tap_->Pass({Middle(seq + 3'600, b_)});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(b_));
}

}  // namespace
}  // namespace rpctee::test
