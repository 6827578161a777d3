#include "protocol/dubbo/dubbo_codec.h"

#include <gtest/gtest.h>

#include "support/codec_kit.h"
#include "unit/protocol/vectors.h"

namespace rpctee::protocol::dubbo {
namespace {

using test::FromHex;
using test::RealFrame;

constexpr test::Codec kCodec = {ParseHeader, kHeaderBytes};

const char* const kRealFrames[] = {"dubbo278_say_hello",          "dubbo278_fire_oneway",   "dubbo2612_heartbeat",
                                   "dubbo2612_heartbeat_answer",  "dubbo3111_no_args",      "dubbojs_say_hello",
                                   "dubbo278_fastjson_say_hello", "dubbo278_java_say_hello"};

TEST(DubboCodec, RealFramesAreSeenWhole) {
  for (const char* name : kRealFrames) {
    SCOPED_TRACE(name);
    test::ExpectWholeFrame(kCodec, RealFrame(name));
  }
}

TEST(DubboCodec, HeaderCutAtAnyByteAsksForMore) {
  for (const char* name : kRealFrames) {
    SCOPED_TRACE(name);
    test::ExpectTruncationsAskForMore(kCodec, RealFrame(name));
  }
}

TEST(DubboCodec, StreamCutAnywhereGivesTheSameFrames) {
  std::vector<test::Frame> frames;
  for (const char* name : kRealFrames) {
    frames.push_back(RealFrame(name));
  }
  test::ExpectEverySplitGivesTheSameFrames(kCodec, frames);
}

TEST(DubboCodec, NoiseNeverChangesItsMindAndNeverReadsOutside) {
  test::ExpectNoiseIsOrdinaryInput(kCodec, FromHex("dabbc200 0000000000000001 00000001 4e"), 5000);
}

struct FlagsRow {
  const char* what;
  uint8_t flags;
  MessageKind kind;
  uint8_t serialization;
};

TEST(DubboCodec, FlagsSayTheKindAndTheSerialization) {
  const FlagsRow rows[] = {
      {"two-way hessian2 request", 0xc2, MessageKind::kRequest, 2},
      {"two-way fastjson2 request", 0xd7, MessageKind::kRequest, 23},
      {"one-way request", 0x82, MessageKind::kOneway, 2},
      {"heartbeat", 0xe2, MessageKind::kHeartbeat, 2},
      {"readonly event", 0xa2, MessageKind::kEvent, 2},
      {"response", 0x02, MessageKind::kResponse, 2},
      {"response with a meaningless two-way bit", 0x46, MessageKind::kResponse, 6},
      {"heartbeat answer", 0x22, MessageKind::kEventResponse, 2},
      {"highest serialization", 0x9f, MessageKind::kOneway, 31},
  };
  for (const FlagsRow& row : rows) {
    SCOPED_TRACE(row.what);
    std::vector<uint8_t> frame = FromHex("dabb0014 8000000000000001 00000000");
    frame[2] = row.flags;
    const FrameHeader header = ParseHeader(frame);
    EXPECT_EQ(header.status, FrameStatus::kFrame);
    EXPECT_EQ(header.kind, row.kind);
    EXPECT_EQ(header.serialization, row.serialization);
    EXPECT_EQ(header.reply_status, kStatusOk);
    EXPECT_EQ(header.id, 0x8000000000000001U);
    EXPECT_EQ(header.frame_bytes, kHeaderBytes);
  }
}

TEST(DubboCodec, WrongMagicIsMalformedAtTheFirstByteThatShowsIt) {
  EXPECT_EQ(ParseHeader(FromHex("db")).status, FrameStatus::kMalformed);
  EXPECT_EQ(ParseHeader(FromHex("da")).status, FrameStatus::kNeedMore);
  EXPECT_EQ(ParseHeader(FromHex("dabc")).status, FrameStatus::kMalformed);
  EXPECT_EQ(ParseHeader(FromHex("474554202f20485454502f312e31")).error, "the magic is not da bb");
}

TEST(DubboCodec, NegativeLengthIsMalformedAsSoonAsItsSignIsThere) {
  const std::vector<uint8_t> frame = FromHex("dabbc200 0000000000000001 80000000");
  EXPECT_EQ(ParseHeader(Bytes(frame).first(12)).status, FrameStatus::kNeedMore);
  EXPECT_EQ(ParseHeader(Bytes(frame).first(13)).status, FrameStatus::kMalformed);
  EXPECT_EQ(ParseHeader(frame).error, "the body length is negative or more than 256 MiB");
  EXPECT_EQ(ParseHeader(FromHex("dabbc200 0000000000000001 ffffffff")).status, FrameStatus::kMalformed);
}

TEST(DubboCodec, LargestLengthIsReportedAndNothingIsReserved) {
  const FrameHeader header = ParseHeader(FromHex("dabbc200 0000000000000001 10000000"));
  EXPECT_EQ(header.status, FrameStatus::kFrame);
  EXPECT_EQ(header.frame_bytes, kMaxBodyBytes + kHeaderBytes);
  const std::vector<uint8_t> longer = FromHex("dabbc200 0000000000000001 10000001");
  EXPECT_EQ(ParseHeader(longer).status, FrameStatus::kMalformed);
  EXPECT_EQ(ParseHeader(Bytes(longer).first(15)).status, FrameStatus::kNeedMore);
}

TEST(DubboCodec, RewrittenIdChangesTheEightBytesOfTheIdAndNothingElse) {
  const std::vector<uint8_t> original = RealFrame("dubbo278_say_hello");
  std::vector<uint8_t> frame = original;
  RewriteId(frame, 0xf102030405060708);
  EXPECT_EQ(ParseHeader(frame).id, 0xf102030405060708U);
  RewriteId(frame, ParseHeader(original).id);
  EXPECT_EQ(frame, original);
  std::vector<uint8_t> expected = original;
  const std::vector<uint8_t> id = FromHex("f102030405060708");
  std::copy(id.begin(), id.end(), expected.begin() + 4);
  RewriteId(frame, 0xf102030405060708);
  EXPECT_EQ(frame, expected);
}

TEST(DubboCodec, HeartbeatAnswerIsWhatJavaSends) {
  const std::vector<uint8_t> heartbeat = RealFrame("dubbo2612_heartbeat");
  const auto answer = HeartbeatAnswer(ParseHeader(heartbeat));
  std::vector<uint8_t> expected = RealFrame("dubbo2612_heartbeat_answer");
  RewriteId(expected, ParseHeader(heartbeat).id);
  EXPECT_EQ(std::vector<uint8_t>(answer.begin(), answer.end()), expected);
}

TEST(DubboCodec, HeartbeatInAnotherSerializationIsAnsweredInHessian2) {
  const auto answer = HeartbeatAnswer(ParseHeader(FromHex("dabbf700 fedcba9876543210 00000005 00000001af")));
  EXPECT_EQ(std::vector<uint8_t>(answer.begin(), answer.end()), FromHex("dabb2214 fedcba9876543210 00000001 4e"));
}

TEST(DubboCodec, ReadonlyEventIsKnownInItsSerializations) {
  const auto is_readonly = [](std::string_view hex) {
    const std::vector<uint8_t> frame = FromHex(hex);
    return IsReadonlyEvent(ParseHeader(frame), Bytes(frame).subspan(std::min(kHeaderBytes, frame.size())));
  };
  EXPECT_TRUE(is_readonly("dabba200 0000000000000001 00000002 0152"));
  EXPECT_TRUE(is_readonly("dabba600 0000000000000001 00000004 2252220a"));
  EXPECT_TRUE(is_readonly("dabbb700 0000000000000001 00000006 000000024a52"));
  EXPECT_FALSE(is_readonly("dabba200 0000000000000001 00000002 0157")) << "writeable";
  EXPECT_FALSE(is_readonly("dabba200 0000000000000001 00000001 4e")) << "no body but null";
  EXPECT_FALSE(is_readonly("dabba200 0000000000000001 00000003 015252")) << "something behind it";
  EXPECT_FALSE(is_readonly("dabbc200 0000000000000001 00000002 0152")) << "a request";
  EXPECT_FALSE(is_readonly("dabb2214 0000000000000001 00000002 0152")) << "an answer";
  EXPECT_FALSE(is_readonly("dabba200")) << "no whole header";
}

}  // namespace
}  // namespace rpctee::protocol::dubbo
