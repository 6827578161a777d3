#include "protocol/thrift/thrift_codec.h"

#include <gtest/gtest.h>

#include "support/codec_kit.h"
#include "unit/protocol/thrift_bytes.h"
#include "unit/protocol/vectors.h"

namespace rpctee::protocol::thrift {
namespace {

using test::FromHex;
using test::RealFrame;
using test::ThriftBytes;

constexpr uint8_t kBinary = static_cast<uint8_t>(Encoding::kBinary);
constexpr uint8_t kCompact = static_cast<uint8_t>(Encoding::kCompact);

struct RealRow {
  const char* name;
  size_t header_bytes;  // what the codec must have seen
  MessageKind kind;
  uint8_t encoding;
  uint32_t id;
  uint8_t reply_status;
};

const RealRow kRealRows[] = {
    {"thrift_binary_say_hello", 24, MessageKind::kRequest, kBinary, 0, 0},
    {"thrift_binary_update_user", 26, MessageKind::kRequest, kBinary, 0, 0},
    {"thrift_binary_no_args", 22, MessageKind::kRequest, kBinary, 0, 0},
    {"thrift_binary_add_answer", 19, MessageKind::kResponse, kBinary, 0, kStatusReply},
    {"thrift_binary_fail_answer", 20, MessageKind::kResponse, kBinary, 0, kStatusReply},
    {"thrift_binary_oneway", 20, MessageKind::kOneway, kBinary, 0, 0},
    {"thrift_binary_nonstrict", 21, MessageKind::kRequest, kBinary, 0, 0},
    {"thrift_binary_mux", 33, MessageKind::kRequest, kBinary, 0, 0},
    {"thrift_node_update_user", 26, MessageKind::kRequest, kBinary, 12, 0},
    {"thrift_compact_update_user", 18, MessageKind::kRequest, kCompact, 0, 0},
    {"thrift_compact_add", 11, MessageKind::kRequest, kCompact, 0, 0},
    {"thrift_compact_answer", 18, MessageKind::kResponse, kCompact, 0, kStatusReply},
    {"thrift_cpp_compact_say_hello", 16, MessageKind::kRequest, kCompact, 0, 0},
    {"thrift_header_binary", 40, MessageKind::kRequest, kBinary, 0, 0},
    {"thrift_header_binary_answer", 40, MessageKind::kResponse, kBinary, 0, kStatusReply},
    {"thrift_header_kv", 50, MessageKind::kRequest, kCompact, 0, 0},
    {"thrift_header_compact_answer", 32, MessageKind::kResponse, kCompact, 0, kStatusReply},
    {"thrift_header_zlib", 18, MessageKind::kRequest, kCompact, 0, 0},
    {"thrift_header_zlib_update_user", 18, MessageKind::kRequest, kCompact, 0, 0},
};

constexpr test::Codec CodecOf(size_t header_bytes) { return {ParseFramed, header_bytes, false}; }

std::vector<test::Frame> RealFrames() {
  std::vector<test::Frame> frames;
  for (const RealRow& row : kRealRows) {
    frames.push_back(RealFrame(row.name));
  }
  return frames;
}

TEST(ThriftCodec, RealFramesAreSeenWhole) {
  for (const RealRow& row : kRealRows) {
    SCOPED_TRACE(row.name);
    const test::Frame frame = RealFrame(row.name);
    test::ExpectWholeFrame(CodecOf(row.header_bytes), frame);
    const FrameHeader header = ParseFramed(frame);
    EXPECT_EQ(header.kind, row.kind);
    EXPECT_EQ(header.serialization, row.encoding);
    EXPECT_EQ(header.id, row.id);
    EXPECT_EQ(header.reply_status, row.reply_status);
  }
}

TEST(ThriftCodec, HeaderCutAtAnyByteAsksForMore) {
  for (const RealRow& row : kRealRows) {
    SCOPED_TRACE(row.name);
    test::ExpectTruncationsAskForMore(CodecOf(row.header_bytes), RealFrame(row.name));
  }
}

TEST(ThriftCodec, StreamCutAnywhereGivesTheSameFrames) {
  test::ExpectEverySplitGivesTheSameFrames(CodecOf(0), RealFrames());
}

TEST(ThriftCodec, NoiseNeverChangesItsMindAndNeverReadsOutside) {
  for (const char* name : {"thrift_binary_say_hello", "thrift_binary_nonstrict", "thrift_compact_update_user",
                           "thrift_header_binary", "thrift_header_kv"}) {
    const test::Frame frame = RealFrame(name);
    test::ExpectNoiseIsOrdinaryInput(CodecOf(frame.size()), frame, 1000);
  }
}

TEST(ThriftCodec, InAStreamOfRequestsAFrameIsSeenNowhereButAtTheirHeads) {
  test::Frame stream;
  std::vector<size_t> heads;
  for (const test::Frame& frame : RealFrames()) {
    heads.push_back(stream.size());
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  std::vector<size_t> found;
  for (size_t at = 0; at < stream.size(); ++at) {
    const FrameHeader header = ParseFramed(Bytes(stream).subspan(at));
    if (header.status == FrameStatus::kFrame && at + header.frame_bytes <= stream.size()) {
      found.push_back(at);
    }
  }
  EXPECT_EQ(found, heads);
}

TEST(ThriftCodec, FourBytesSayHowLongTheFrameIs) {
  EXPECT_EQ(FramedLength(FromHex("00000001")), 5U);
  EXPECT_EQ(FramedLength(FromHex("10000000 80")), 0x10000004U);
  EXPECT_EQ(FramedLength(FromHex("000000")), std::nullopt);
  EXPECT_EQ(FramedLength(FromHex("00000000")), std::nullopt);
  EXPECT_EQ(FramedLength(FromHex("10000001")), std::nullopt);
  EXPECT_EQ(FramedLength(FromHex("80000000")), std::nullopt);
  EXPECT_EQ(FramedLength(FromHex("ffffffff")), std::nullopt);
  const FrameHeader header = ParseFramed(FromHex("00fa0000"));
  EXPECT_EQ(header.status, FrameStatus::kNeedMore);
  EXPECT_EQ(header.frame_bytes, 16384004U);
}

TEST(ThriftCodec, LargestLengthIsReportedAndNothingIsReserved) {
  const FrameHeader header = ParseFramed(FromHex("10000000 80010001 00000001 61 00000007"));
  EXPECT_EQ(header.status, FrameStatus::kFrame);
  EXPECT_EQ(header.frame_bytes, 0x10000004U);
  EXPECT_EQ(header.id, 7U);
}

struct MalformedRow {
  const char* what;
  const char* hex;
};

TEST(ThriftCodec, WhatIsNoMessageIsMalformed) {
  const MalformedRow rows[] = {
      {"no length", "00000000"},
      {"negative length", "ffffffff"},
      {"unframed binary", "80010001 00000001 61 00000000"},
      {"unframed compact", "8221 00 01 61"},
      {"binary of another version", "00000020 80020001"},
      {"binary without a type", "00000020 80010000"},
      {"binary of an unknown type", "00000020 80010005"},
      {"binary with a negative name", "00000020 80010001 ffffffff"},
      {"binary with a name longer than the frame", "00000010 80010001 00000009"},
      {"binary with a name longer than any", "00010000 80010001 00000401"},
      {"binary that ends before its id", "0000000c 80010001 00000001 61 000000"},
      {"compact of another version", "00000020 8222"},
      {"compact of an unknown type", "00000020 82a1"},
      {"compact with a longer id than there is", "00000020 8221 ffffffffff"},
      {"compact with an id of more than 32 bits", "00000020 8221 ffffffff1f"},
      {"compact with a name longer than the frame", "00000008 8221 00 05"},
      {"compact with a name longer than any", "00010000 8221 00 8108"},
      {"compact that ends in its id", "00000004 8221 8080"},
      {"nothing but the name's length", "00000004 00000001"},
      {"a name of no bytes without a version", "00000020 00000000"},
      {"a name that is not printable without a version", "00000020 00000002 6120"},
      {"an unknown type behind the name", "00000020 00000001 61 05"},
      {"a struct in front of the message, as Finagle sends it", "00000060 0a0001 0000000000000001"},
      {"only the end of such a struct", "00000020 00 80010001 00000001 61 00000000"},
      {"an HTTP/2 frame", "00000c 04 00000000 00"},
      {"a THeader with another magic", "00000020 0ffe"},
      {"a THeader without room", "00000011 0fff 0000 00000000 0000"},
      {"a THeader of no words", "00000020 0fff 0000 00000000 0000"},
      {"a THeader longer than its frame", "00000020 0fff 0000 00000000 0006"},
      {"a THeader longer than any", "00ffffff 0fff 0000 00000000 4000"},
      {"a THeader whose protocol never ends", "00000020 0fff 0000 00000000 0001 ffffffff"},
      {"a THeader with more transforms than there are", "00000020 0fff 0000 00000000 0001 00090101"},
      {"a THeader with more transforms than there can be",
       "00000020 0fff 0000 00000000 0003 00090101 01010101 01010100"},
      {"a THeader with more transforms than bytes", "00000020 0fff 0000 00000000 0001 00030101"},
      {"a THeader with nothing behind it", "0000000e 0fff 0000 00000000 0001 00000000"},
      {"a THeader that says binary and brings compact", "00000014 0fff 0000 00000000 0001 00000000 822100016100"},
      {"a THeader that says compact and brings binary",
       "0000001c 0fff 0000 00000000 0001 02000000 80010001 00000001 61"
       "00000000 00"},
  };
  for (const MalformedRow& row : rows) {
    SCOPED_TRACE(row.what);
    const FrameHeader header = ParseFramed(FromHex(row.hex));
    EXPECT_EQ(header.status, FrameStatus::kMalformed);
    EXPECT_FALSE(header.error.empty());
  }
}

TEST(ThriftCodec, ExceptionOfTheServerIsToldFromAReply) {
  // As Python's thrift 0.25 writes them.
  const FrameHeader binary = ParseFramed(ThriftBytes().Header("sayHello", 3, 300).Raw("080002 00000001 00").Framed());
  EXPECT_EQ(binary.kind, MessageKind::kResponse);
  EXPECT_EQ(binary.reply_status, kStatusException);
  EXPECT_EQ(binary.id, 300U);
  const FrameHeader compact = ParseFramed(FromHex("0000000f 8261 ac02 08 73617948656c6c6f 1502 00"));
  EXPECT_EQ(compact.kind, MessageKind::kResponse);
  EXPECT_EQ(compact.reply_status, kStatusException);
  EXPECT_EQ(compact.id, 300U);
  // For a request that they can't read, servers answer without a name.
  EXPECT_EQ(ParseFramed(ThriftBytes().Header("", 3).Stop().Framed()).reply_status, kStatusException);
}

TEST(ThriftCodec, EveryTypeHasItsKindInEveryEncoding) {
  const std::pair<uint8_t, MessageKind> kinds[] = {
      {1, MessageKind::kRequest}, {2, MessageKind::kResponse}, {3, MessageKind::kResponse}, {4, MessageKind::kOneway}};
  for (const auto& [type, kind] : kinds) {
    SCOPED_TRACE(static_cast<int>(type));
    const uint8_t status = kind == MessageKind::kResponse ? type : 0;
    for (const ThriftBytes& message :
         {ThriftBytes(false).Header("a", type, 0xfedcba98), ThriftBytes(true).Header("a", type, 0xfedcba98),
          ThriftBytes(false).Text("a").Byte(type).Number(0xfedcba98, 4)}) {
      const FrameHeader header = ParseFramed(ThriftBytes(message).Stop().Framed());
      EXPECT_EQ(header.status, FrameStatus::kFrame);
      EXPECT_EQ(header.kind, kind);
      EXPECT_EQ(header.reply_status, status);
      EXPECT_EQ(header.id, 0xfedcba98U);
    }
  }
}

TEST(ThriftCodec, PackedMessageIsOnlyLookedIntoWhereThatIsAskedFor) {
  // zlib, stored: the one-way message "fire", compact.
  const std::vector<uint8_t> packed =
      ThriftBytes().Raw("7801 01 0900 f6ff 8281 07 04 66697265 00").InHeader(FromHex("020101"), 9);
  EXPECT_EQ(ParseFramed(packed).kind, MessageKind::kRequest);
  const FrameHeader looked_into = ParseFramedInflating(packed);
  EXPECT_EQ(looked_into.status, FrameStatus::kFrame);
  EXPECT_EQ(looked_into.kind, MessageKind::kOneway);
  EXPECT_EQ(looked_into.id, 9U) << "the header's, not the message's";

  const std::vector<uint8_t> answer =
      ThriftBytes().Raw("7801 01 0900 f6ff 8261 07 04 66697265 00").InHeader(FromHex("020101"), 9);
  EXPECT_EQ(ParseFramed(answer).reply_status, 0);
  EXPECT_EQ(ParseFramedInflating(answer).kind, MessageKind::kResponse);
  EXPECT_EQ(ParseFramedInflating(answer).reply_status, kStatusException);
}

TEST(ThriftCodec, LookingIntoWhatIsNotPackedChangesNothing) {
  for (const RealRow& row : kRealRows) {
    SCOPED_TRACE(row.name);
    const test::Frame frame = RealFrame(row.name);
    test::ExpectSameHeader(ParseFramedInflating(frame), ParseFramed(frame));
  }
  EXPECT_EQ(ParseFramedInflating(RealFrame("thrift_unframed_binary")).status, FrameStatus::kMalformed);
}

TEST(ThriftCodec, MessageThatAHeaderHidesIsTakenForARequest) {
  for (const char* part : {"0201 02", "0201 03", "0202 0101", "0501", "8008 00"}) {
    SCOPED_TRACE(part);
    const std::vector<uint8_t> frame = ThriftBytes().Raw("00112233").InHeader(FromHex(part), 0x80000001);
    for (const FrameHeader& header : {ParseFramed(frame), ParseFramedInflating(frame)}) {
      EXPECT_EQ(header.status, FrameStatus::kFrame) << header.error;
      EXPECT_EQ(header.kind, MessageKind::kRequest);
      EXPECT_EQ(header.id, 0x80000001U);
    }
  }
}

}  // namespace
}  // namespace rpctee::protocol::thrift
