// What comes out of a ring record, and which records are refused. Needs no root.
#include "tap/record.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "bpf/abi/abi.h"

namespace rpctee::tap {
namespace {

rpctee_record GoodPart() {
  rpctee_record record{};
  record.flow_id = 7;
  record.time_ns = 1'000;
  record.kind = RPCTEE_RECORD_PART;
  record.content = RPCTEE_CONTENT_DUBBO;
  record.part.request = 3;
  record.part.draw = 99;
  record.part.frame_bytes = 100;
  record.part.offset = 40;
  record.flow.source[15] = 1;
  record.flow.source_port_be = htons(40'000);
  record.flow.destination[15] = 2;
  record.flow.destination_port_be = htons(20'880);
  return record;
}

std::vector<uint8_t> Encode(const rpctee_record& record, size_t payload_bytes) {
  std::vector<uint8_t> bytes(sizeof(record) + payload_bytes, 0xab);
  std::memcpy(bytes.data(), &record, sizeof(record));
  return bytes;
}

std::optional<CapturedRecord> Parsed(Bytes bytes) {
  CapturedRecord record;
  return ParseRecord(bytes, record) ? std::optional(record) : std::nullopt;
}

std::optional<CapturedPart> ParsePart(Bytes bytes) {
  const std::optional<CapturedRecord> record = Parsed(bytes);
  return record ? std::optional(std::get<CapturedPart>(*record)) : std::nullopt;
}

TEST(Record, EveryFieldOfAPartArrives) {
  const std::vector<uint8_t> bytes = Encode(GoodPart(), 60);
  const std::optional<CapturedPart> part = ParsePart(bytes);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->flow_id, 7U);
  EXPECT_EQ(part->flow.ToString(), "[::1]:40000>[::2]:20880");
  EXPECT_EQ(part->time_ns, 1'000U);
  EXPECT_EQ(part->protocol, Content::kDubbo);
  EXPECT_EQ(part->request, 3U);
  EXPECT_EQ(part->draw, 99U);
  EXPECT_FALSE(part->is_cut);
  EXPECT_EQ(part->frame_bytes, 100U);
  EXPECT_EQ(part->offset, 40U);
  EXPECT_EQ(part->bytes.data(), bytes.data() + sizeof(rpctee_record));
  EXPECT_EQ(part->bytes.size(), 60U);
}

TEST(Record, AFirstPartMayTellOfAnEarlierCut) {
  rpctee_record record = GoodPart();
  record.part.offset = 0;
  record.cut_reason = RPCTEE_CUT_RING_FULL;
  const std::vector<uint8_t> bytes = Encode(record, 60);
  const std::optional<CapturedPart> part = ParsePart(bytes);
  ASSERT_TRUE(part);
  EXPECT_FALSE(part->is_cut);
  EXPECT_EQ(part->cut, CutReason::kRingFull);
}

TEST(Record, ACutHasAReasonAndNoBytes) {
  rpctee_record record = GoodPart();
  record.kind = RPCTEE_RECORD_CUT;
  record.cut_reason = RPCTEE_CUT_GAP;
  const std::optional<CapturedPart> part = ParsePart(Encode(record, 0));
  ASSERT_TRUE(part);
  EXPECT_TRUE(part->is_cut);
  EXPECT_EQ(part->cut, CutReason::kGap);
  EXPECT_TRUE(part->bytes.empty());
}

struct BadRow {
  const char* why;
  void (*spoil)(rpctee_record&);
};

class BadRecord : public ::testing::TestWithParam<BadRow> {};

TEST_P(BadRecord, IsRefused) {
  rpctee_record record = GoodPart();
  ASSERT_TRUE(Parsed(Encode(record, 60)));
  GetParam().spoil(record);
  EXPECT_FALSE(Parsed(Encode(record, 60))) << GetParam().why;
}

INSTANTIATE_TEST_SUITE_P(
    Record, BadRecord,
    ::testing::Values(BadRow{"bytes past the end of the request", [](rpctee_record& r) { r.part.offset = 41; }},
                      BadRow{"offset past the end of the request", [](rpctee_record& r) { r.part.offset = 101; }},
                      BadRow{"a sum that wraps around", [](rpctee_record& r) { r.part.offset = 0xffff'ffff; }},
                      BadRow{"an unknown kind", [](rpctee_record& r) { r.kind = 6; }},
                      BadRow{"kind zero", [](rpctee_record& r) { r.kind = 0; }},
                      BadRow{"a request of nothing known", [](rpctee_record& r) { r.content = 0; }},
                      BadRow{"a request without a length", [](rpctee_record& r) { r.content = 3; }},
                      BadRow{"a request of what is not mirrored", [](rpctee_record& r) { r.content = 4; }},
                      BadRow{"an unknown reason", [](rpctee_record& r) { r.cut_reason = 4; }},
                      BadRow{"a cut with bytes",
                             [](rpctee_record& r) {
                               r.kind = RPCTEE_RECORD_CUT;
                               r.cut_reason = RPCTEE_CUT_GAP;
                             }},
                      BadRow{"the end of a stream with bytes",
                             [](rpctee_record& r) { r.kind = RPCTEE_RECORD_STREAM_END; }},
                      BadRow{"the begin of a stream without its flow",
                             [](rpctee_record& r) { r.kind = RPCTEE_RECORD_STREAM_BEGIN; }}));

TEST(Record, ACutWithoutAReasonIsRefused) {
  rpctee_record record = GoodPart();
  record.kind = RPCTEE_RECORD_CUT;
  EXPECT_FALSE(Parsed(Encode(record, 0)));
}

class StreamBegin : public ::testing::Test {
 protected:
  StreamBegin() {
    record_.kind = RPCTEE_RECORD_STREAM_BEGIN;
    record_.piece = {.seq = 1'234, .holes = 0, .start = RPCTEE_START_FRAME, .zero = 0};
    flow_.frame_bytes = 300;
    flow_.frame_left = 0;
    flow_.header_have = 3;
    flow_.header[1] = 0xdabbc2;
  }
  std::optional<CapturedStream> Parse() {
    std::vector<uint8_t> bytes = Encode(record_, sizeof(flow_));
    std::memcpy(bytes.data() + sizeof(record_), &flow_, sizeof(flow_));
    const std::optional<CapturedRecord> record = Parsed(bytes);
    return record ? std::optional(std::get<CapturedStream>(*record)) : std::nullopt;
  }

  rpctee_record record_ = GoodPart();
  rpctee_flow flow_{};
};

TEST_F(StreamBegin, ArrivesWithTheStateOfTheFlow) {
  const std::optional<CapturedStream> stream = Parse();
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream->start, CapturedStream::Start::kFrame);
  EXPECT_EQ(stream->protocol, Content::kDubbo);
  EXPECT_EQ(stream->seq, 1'234U);
  EXPECT_EQ(stream->frame_bytes, 300U);
  ASSERT_EQ(stream->header_have, 3U);
  EXPECT_EQ(stream->header[0], 0xda);
  EXPECT_EQ(stream->header[2], 0xc2);
}

TEST_F(StreamBegin, OfNothingKnownHasNoState) {
  record_.content = 0;
  record_.piece.start = RPCTEE_START_UNKNOWN;
  const std::optional<CapturedStream> stream = Parse();
  ASSERT_TRUE(stream);
  EXPECT_EQ(stream->start, CapturedStream::Start::kUnknown);
  EXPECT_EQ(stream->protocol, Content::kUnknown);
  EXPECT_EQ(stream->header_have, 0U);
}

TEST_F(StreamBegin, IsRefusedWhenItContradictsItself) {
  flow_.header_have = 16;
  EXPECT_FALSE(Parse());
  flow_.header_have = 0;
  flow_.frame_left = 301;
  EXPECT_FALSE(Parse());
  flow_.frame_left = 0;
  record_.piece.start = 3;
  EXPECT_FALSE(Parse());
  record_.piece.start = RPCTEE_START_FRAME;
  record_.content = 0;
  EXPECT_FALSE(Parse()) << "a frame of no protocol";
}

TEST(Record, ARecordShorterThanItsHeaderIsRefused) {
  const std::vector<uint8_t> bytes = Encode(GoodPart(), 60);
  for (size_t length = 0; length < sizeof(rpctee_record); ++length) {
    EXPECT_FALSE(Parsed(Bytes(bytes).first(length)));
  }
}

}  // namespace
}  // namespace rpctee::tap
