#include "protocol/framing.h"

#include <gtest/gtest.h>

#include "unit/protocol/vectors.h"

namespace rpctee::protocol {
namespace {

using test::FromHex;

TEST(Framing, OnlyProtocolsThatAnnounceLengthsHaveHeaders) {
  EXPECT_EQ(HeaderBytes(Content::kDubbo), 16U);
  EXPECT_EQ(HeaderBytes(Content::kThriftFramed), 4U);
  for (const Content other : {Content::kUnknown, Content::kThriftUnframed, Content::kTls, Content::kOther}) {
    EXPECT_EQ(HeaderBytes(other), 0U);
    EXPECT_FALSE(MeasureFrame(other, FromHex("dabbc200000000000000000100000001")).has_value());
  }
}

struct DubboRow {
  const char* header;
  uint32_t frame_bytes;
  MessageKind kind;
};

TEST(Framing, DubboByTheLastFourBytesOfTheHeader) {
  const DubboRow rows[] = {
      {"dabbc200000000000000000100000064", 116, MessageKind::kRequest},
      {"dabb8200000000000000000100000000", 16, MessageKind::kOneway},
      {"dabbe200000000000000000100000001", 17, MessageKind::kHeartbeat},
      {"dabb0214000000000000000100000001", 17, MessageKind::kResponse},
      {"dabbc200000000000000000110000000", 0x10000010U, MessageKind::kRequest},
  };
  for (const DubboRow& row : rows) {
    const std::optional<FrameMeasure> measure = MeasureFrame(Content::kDubbo, FromHex(row.header));
    ASSERT_TRUE(measure.has_value()) << row.header;
    EXPECT_EQ(measure->frame_bytes, row.frame_bytes) << row.header;
    EXPECT_EQ(measure->kind, row.kind) << row.header;
  }
  for (const char* length : {"10000001", "7fffffff", "80000000", "ffffffff"}) {
    EXPECT_FALSE(MeasureFrame(Content::kDubbo, FromHex(std::string("dabbc2000000000000000001") + length)).has_value());
  }
  EXPECT_FALSE(MeasureFrame(Content::kDubbo, FromHex("dabcc200000000000000000100000001")).has_value());
}

TEST(Framing, ThriftByItsFirstFourBytesWhichMayNotBeZeroNegativeOrTooMany) {
  const auto bytes_of = [](const char* header) {
    const std::optional<FrameMeasure> measure = MeasureFrame(Content::kThriftFramed, FromHex(header));
    return measure ? measure->frame_bytes : 0;
  };
  EXPECT_EQ(bytes_of("00000001"), 5U);
  EXPECT_EQ(bytes_of("0000001e80010001"), 34U);
  EXPECT_EQ(bytes_of("10000000"), 0x10000004U);
  EXPECT_EQ(bytes_of("10000001"), 0U);
  EXPECT_EQ(bytes_of("7fffffff"), 0U);
  EXPECT_EQ(bytes_of("00000000"), 0U);
  EXPECT_EQ(bytes_of("80010001"), 0U);
  EXPECT_EQ(MeasureFrame(Content::kThriftFramed, FromHex("0000001e"))->kind, MessageKind::kRequest);
}

}  // namespace
}  // namespace rpctee::protocol
