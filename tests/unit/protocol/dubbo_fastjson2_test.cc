// Bodies in fastjson2 with values of every kind, and such that no program wrote.
#include <gtest/gtest.h>

#include "protocol/dubbo/dubbo_request.h"
#include "support/dubbo_frames.h"
#include "unit/protocol/dubbo_calls.h"

namespace rpctee::protocol::dubbo {
namespace {

using test::FromHex;
using Status = FieldValue::Status;

constexpr uint8_t kFastjson2 = 0xd7;

// Objects behind their lengths, given in hexadecimal digits.
std::vector<uint8_t> Request(const std::vector<std::string>& objects) {
  std::vector<uint8_t> body;
  for (const std::string& object : objects) {
    const std::vector<uint8_t> bytes = FromHex(object);
    for (int shift = 24; shift >= 0; shift -= 8) {
      body.push_back(static_cast<uint8_t>(bytes.size() >> shift));
    }
    body.insert(body.end(), bytes.begin(), bytes.end());
  }
  return test::DubboFrame(kFastjson2, 1, body);
}

// A call of hi(int) with these attachments.
std::vector<uint8_t> WithAttachments(const std::string& hex) {
  return Request({"4e322e302e32", "4a53", "4a31", "4b6869", "4a49", "01", hex});
}

Status StatusOf(const std::string& hex, const char* name = "a") {
  const std::vector<uint8_t> frame = WithAttachments(hex);
  DubboRequest request(frame);
  EXPECT_EQ(request.Method().value, "hi");
  return request.Field(name).status;
}

TEST(DubboFastjson2, AttachmentsAmongValuesOfEveryKindAreFound) {
  const std::vector<uint8_t> frame = test::RealFrame("dubbo3216/fastjson2_kinds");
  DubboRequest request(frame);
  test::ExpectFields(request, {{"trace-id", "abc-123"}, {"zone", "eu"}, {"version", "1.0.0"}, {"group", {}}});
  EXPECT_EQ(request.Field("kinds").status, Status::kUndecodable);
}

TEST(DubboFastjson2, CutAmongValuesOfEveryKindItAnswersTheSameOrNotAtAll) {
  const auto make_view = [](Bytes frame) { return std::make_unique<DubboRequest>(frame); };
  const test::Fields fields = {{"trace-id", "abc-123"}, {"method", "kinds"}, {"group", {}}};
  const std::vector<uint8_t> frame = test::RealFrame("dubbo3216/fastjson2_kinds");
  test::ExpectTruncatedRequestNeverLies(make_view, frame, fields);
  test::ExpectChangedRequestIsOrdinaryInput(make_view, frame, fields, 16, 5000);
}

TEST(DubboFastjson2, ValuesAreTextAsFarAsTheyCanBe) {
  const auto frame = WithAttachments(
      "a6 4a61 4a31 4a62 443a98 4a63 b1 4a64 b0 4a65 af 4a66 b3 4a67 94 4a68 7e02cac0 4a69 7b04fffe164e 4a6a 7b02 4e16 "
      "4a6b 4afc 4a6c bdff a5");
  DubboRequest request(frame);
  test::ExpectFields(request, {{"a", "1"},
                               {"b", "15000"},
                               {"c", "true"},
                               {"d", "false"},
                               {"e", {}},
                               {"i", "\xe4\xb8\x96"},
                               {"j", "\xe4\xb8\x96"},
                               {"k", "\xc3\xbc"},
                               {"l", "-1"},
                               {"m", {}}});
  for (const char* name : {"f", "g", "h"}) {
    EXPECT_EQ(request.Field(name).status, Status::kUndecodable) << name;
  }
}

TEST(DubboFastjson2, AttachmentsMayBeNullEmptyOrOfAClass) {
  EXPECT_EQ(StatusOf("af"), Status::kAbsent);
  EXPECT_EQ(StatusOf("a6 a5"), Status::kAbsent);
  EXPECT_EQ(StatusOf("92 4b4c4d 00 a6 4a61 4a31 a5"), Status::kPresent);
}

TEST(DubboFastjson2, NamesMayBeGivenNumbers) {
  EXPECT_EQ(StatusOf("a6 7f 4a61 00 4a31 a5"), Status::kPresent);
  EXPECT_EQ(StatusOf("a6 7f 4a62 00 a6 7f 00 01 a5 4a61 4a31 a5"), Status::kPresent);
  EXPECT_EQ(StatusOf("a6 7f 4a61 00 4a31 7f 00 4a32 a5"), Status::kUndecodable) << "which name would have to be kept";
}

TEST(DubboFastjson2, OfTwoAttachmentsWithOneNameTheLaterCounts) {
  const auto frame = WithAttachments("a6 4a61 4a31 4a41 4a32 a5");
  EXPECT_EQ(DubboRequest(frame).Field("a").value, "2");
}

TEST(DubboFastjson2, WhatIsNoObjectMakesTheAttachmentsUndecodable) {
  for (const char* hex : {"", "01", "94", "a6", "a6 4a61 a5", "a6 4a61 4a31", "a6 4a61 4a31 a5 00", "af af", "92 a6 a5",
                          "a6 01 4a31 a5", "a6 7e02cac0 4a31 a5", "a6 7a01ff 4a31 a5", "a6 4a61 93 af a5"}) {
    EXPECT_EQ(StatusOf(hex), Status::kUndecodable) << hex;
  }
}

TEST(DubboFastjson2, NullStringsAreAbsent) {
  const auto frame = Request({"4e322e302e32", "af", "af", "af", "af", "af"});
  DubboRequest request(frame);
  test::ExpectFields(request, {{"interface", {}}, {"version", {}}, {"method", {}}, {"a", {}}});
}

TEST(DubboFastjson2, ObjectsThatAreNoStringsStopTheReading) {
  for (const char* descriptor : {"", "01", "49 49", "a6a5", "af af", "4b2849"}) {
    const auto frame = Request({"4e322e302e32", "4a53", "4a31", "4b6869", descriptor, "a6a5"});
    DubboRequest request(frame);
    EXPECT_EQ(request.Method().value, "hi") << descriptor;
    EXPECT_EQ(request.Field("a").status, Status::kUndecodable) << descriptor;
  }
}

TEST(DubboFastjson2, LengthsBeyondTheBodyAreRefused) {
  for (const char* length : {"ffffffff", "7fffffff", "00000003"}) {
    const std::vector<uint8_t> body = FromHex(std::string(length) + "4a53");
    const auto frame = test::DubboFrame(kFastjson2, 1, body);
    EXPECT_EQ(DubboRequest(frame).Interface().status, Status::kUndecodable) << length;
  }
}

TEST(DubboFastjson2, NumberOfAttachmentsIsBounded) {
  for (const size_t count : {DecodedBody::kMaxAttachments, DecodedBody::kMaxAttachments + 1}) {
    std::string hex = "a6 4a61 01";
    for (size_t i = 1; i < count; ++i) {
      hex += "4a62 02";
    }
    EXPECT_EQ(StatusOf(hex + "a5"), count > DecodedBody::kMaxAttachments ? Status::kUndecodable : Status::kPresent);
  }
}

}  // namespace
}  // namespace rpctee::protocol::dubbo
