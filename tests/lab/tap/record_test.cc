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
  record.protocol = RPCTEE_PROTOCOL_DUBBO;
  record.request = 3;
  record.draw = 99;
  record.frame_bytes = 100;
  record.offset = 40;
  record.part_bytes = 60;
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

std::optional<CapturedPart> ParsePart(Bytes bytes) {
  const std::optional<CapturedRecord> record = ParseRecord(bytes);
  return record ? std::optional(std::get<CapturedPart>(*record)) : std::nullopt;
}

TEST(Record, EveryFieldOfAPartArrives) {
  const std::vector<uint8_t> bytes = Encode(GoodPart(), 60);
  const std::optional<CapturedPart> part = ParsePart(bytes);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->flow_id, 7U);
  EXPECT_EQ(part->flow.ToString(), "[::1]:40000>[::2]:20880");
  EXPECT_EQ(part->time_ns, 1'000U);
  EXPECT_EQ(part->request, 3U);
  EXPECT_EQ(part->draw, 99U);
  EXPECT_FALSE(part->is_cut);
  EXPECT_EQ(part->frame_bytes, 100U);
  EXPECT_EQ(part->offset, 40U);
  EXPECT_EQ(part->bytes.data(), bytes.data() + sizeof(rpctee_record));
  EXPECT_EQ(part->bytes.size(), 60U);
}

TEST(Record, PaddingBehindThePartIsNotPartOfIt) {
  const std::vector<uint8_t> bytes = Encode(GoodPart(), 64);
  const std::optional<CapturedPart> part = ParsePart(bytes);
  ASSERT_TRUE(part);
  EXPECT_EQ(part->bytes.size(), 60U);
}

TEST(Record, AFirstPartMayTellOfAnEarlierCut) {
  rpctee_record record = GoodPart();
  record.offset = 0;
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
  record.part_bytes = 0;
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
  ASSERT_TRUE(ParseRecord(Encode(record, 60)));
  GetParam().spoil(record);
  EXPECT_FALSE(ParseRecord(Encode(record, 60))) << GetParam().why;
}

INSTANTIATE_TEST_SUITE_P(
    Record, BadRecord,
    ::testing::Values(BadRow{"more bytes than the record has",
                             [](rpctee_record& r) {
                               r.part_bytes = 61;
                               r.frame_bytes = 1'000;
                             }},
                      BadRow{"bytes past the end of the request", [](rpctee_record& r) { r.offset = 41; }},
                      BadRow{"offset past the end of the request", [](rpctee_record& r) { r.offset = 101; }},
                      BadRow{"a sum that wraps around", [](rpctee_record& r) { r.offset = 0xffff'ffff; }},
                      BadRow{"an unknown kind", [](rpctee_record& r) { r.kind = 3; }},
                      BadRow{"kind zero", [](rpctee_record& r) { r.kind = 0; }},
                      BadRow{"an unknown protocol", [](rpctee_record& r) { r.protocol = 2; }},
                      BadRow{"an unknown reason", [](rpctee_record& r) { r.cut_reason = 4; }},
                      BadRow{"a cut with bytes",
                             [](rpctee_record& r) {
                               r.kind = RPCTEE_RECORD_CUT;
                               r.cut_reason = RPCTEE_CUT_GAP;
                             }},
                      BadRow{"a cut without a reason", [](rpctee_record& r) {
                               r.kind = RPCTEE_RECORD_CUT;
                               r.part_bytes = 0;
                             }}));

TEST(Record, ARecordShorterThanItsHeaderIsRefused) {
  const std::vector<uint8_t> bytes = Encode(GoodPart(), 60);
  for (size_t length = 0; length < sizeof(rpctee_record); ++length) {
    EXPECT_FALSE(ParseRecord(Bytes(bytes).first(length)));
  }
}

}  // namespace
}  // namespace rpctee::tap
