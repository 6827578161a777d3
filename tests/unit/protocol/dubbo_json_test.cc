// Bodies in JSON that no program wrote, or that somebody made to hurt.
#include <gtest/gtest.h>

#include "protocol/dubbo/dubbo_request.h"
#include "support/dubbo_frames.h"
#include "unit/protocol/dubbo_calls.h"

namespace rpctee::protocol::dubbo {
namespace {

using Status = FieldValue::Status;

constexpr uint8_t kFastjson = 0xc6;
constexpr uint8_t kProtobufJson = 0xd5;

std::vector<uint8_t> Request(std::string_view body, uint8_t flags = kFastjson) {
  return test::DubboFrame(flags, 1, {reinterpret_cast<const uint8_t*>(body.data()), body.size()});
}

constexpr const char* kFourStrings = "\"2.0.2\"\n\"org.Demo\"\n\"1.0.0\"\n\"hi\"\n";

// A call of hi(Object) with this line as its attachments.
std::vector<uint8_t> WithAttachments(const std::string& line, uint8_t flags = kFastjson) {
  return Request(kFourStrings + ("\"Ljava/lang/Object;\"\n{}\n" + line + "\n"), flags);
}

FieldValue::Status StatusOf(const std::string& line, const char* name = "a", uint8_t flags = kFastjson) {
  const std::vector<uint8_t> frame = WithAttachments(line, flags);
  return DubboRequest(frame).Field(name).status;
}

std::string ValueOf(const std::string& line, const char* name = "a", uint8_t flags = kFastjson) {
  const std::vector<uint8_t> frame = WithAttachments(line, flags);
  DubboRequest request(frame);
  const FieldValue value = request.Field(name);
  return value.status == Status::kPresent ? std::string(value.value) : "(none)";
}

TEST(DubboJson, ValuesAreTextAsFarAsTheyCanBe) {
  EXPECT_EQ(ValueOf(R"({"a":"x"})"), "x");
  EXPECT_EQ(ValueOf(R"({"a":-12.5e+3})"), "-12.5e+3");
  EXPECT_EQ(ValueOf(R"({"a":true,"b":false})", "b"), "false");
  EXPECT_EQ(StatusOf(R"({"a":null})"), Status::kAbsent);
  EXPECT_EQ(StatusOf(R"({"a":{"a":1}})"), Status::kUndecodable);
  EXPECT_EQ(StatusOf(R"({"a":["x"]})"), Status::kUndecodable);
  EXPECT_EQ(StatusOf(R"({"b":1})"), Status::kAbsent);
}

TEST(DubboJson, NumbersMayNameTheirType) {
  EXPECT_EQ(ValueOf(R"({"b":1L,"c":[2S],"d":0.5D,"a":-7B})"), "-7");
  EXPECT_EQ(StatusOf(R"({"a":7X})"), Status::kUndecodable);
  EXPECT_EQ(StatusOf(R"({"a":7LL})"), Status::kUndecodable);
  EXPECT_EQ(StatusOf(R"({"a":trueL})"), Status::kUndecodable);
}

TEST(DubboJson, NestedValuesAreSteppedOver) {
  EXPECT_EQ(ValueOf(R"({"b":{"a":["}",{"x":"]\"}"}]},"c":[[],{}],"a":"1"})"), "1");
  EXPECT_EQ(StatusOf(R"({"b":{"a":1}})"), Status::kAbsent) << "a member of a value is no attachment";
  EXPECT_EQ(ValueOf(R"({"b":{1:"x"},"a":"1"})"), "1") << "fastjson writes names that are numbers without quotes";
}

TEST(DubboJson, BlanksAreAllowedBetweenValues) { EXPECT_EQ(ValueOf(" { \"a\" :\t\"1\" , \"b\" : 2 } \r"), "1"); }

TEST(DubboJson, OfTwoAttachmentsWithOneNameTheLaterCounts) { EXPECT_EQ(ValueOf(R"({"a":"1","A":"2"})"), "2"); }

TEST(DubboJson, EscapesAreResolved) {
  EXPECT_EQ(ValueOf(R"({"a":"\"\\\/\b\f\n\r\t"})"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(ValueOf(R"({"a":"\u00e9\u4E16\ud83d\ude00"})"), "\xc3\xa9\xe4\xb8\x96\xf0\x9f\x98\x80");
  EXPECT_EQ(ValueOf(R"({"\u0061":"1"})"), "1") << "in names too";
}

TEST(DubboJson, TextThatIsNoneIsUndecodable) {
  for (const char* text : {R"(\x41)", R"(\u12)", R"(\u123g)", R"(\ud83d)", R"(\ud83dx)", R"(\ude00)", "\xff", "\x01"}) {
    EXPECT_EQ(StatusOf("{\"a\":\"" + std::string(text) + "\",\"b\":\"1\"}"), Status::kUndecodable) << text;
    EXPECT_EQ(ValueOf("{\"a\":\"" + std::string(text) + "\",\"b\":\"1\"}", "b"), "1") << text;
    EXPECT_EQ(StatusOf("{\"" + std::string(text) + "\":\"1\"}"), Status::kUndecodable) << text << " as a name";
  }
}

TEST(DubboJson, WhatIsNoObjectMakesTheAttachmentsUndecodable) {
  for (const char* line : {"",
                           "[]",
                           "\"a\"",
                           "1",
                           "{",
                           "}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":\"1\"",
                           "{\"a\":\"1\"}}",
                           "{\"a\":\"1\"} x",
                           "{a:\"1\"}",
                           "{'a':'1'}",
                           "{\"a\":\"1\",}",
                           "{\"a\":[}]}",
                           "{\"a\":tru}",
                           "{\"a\":01x}",
                           "{\"a\":-}",
                           "{\"a\":1.}",
                           "{\"a\":1e}",
                           "{\"a\":\"\\\"}",
                           "{\"a\":NaN}",
                           "nul",
                           "null1"}) {
    EXPECT_EQ(StatusOf(line), Status::kUndecodable) << line;
  }
}

TEST(DubboJson, AttachmentsMayBeNullOrEmpty) {
  EXPECT_EQ(StatusOf("null"), Status::kAbsent);
  EXPECT_EQ(StatusOf("{}"), Status::kAbsent);
  EXPECT_EQ(StatusOf("{}", "a", kProtobufJson), Status::kAbsent);
  EXPECT_EQ(StatusOf(R"({"attachments":{}})", "a", kProtobufJson), Status::kAbsent);
}

TEST(DubboJson, AttachmentsOfProtobufAreInAMessage) {
  EXPECT_EQ(ValueOf(R"({"attachments":{"a":"1"}})", "a", kProtobufJson), "1");
  for (const char* line : {R"({"a":"1"})", R"({"attachments":"1"})", R"({"attachments":{"a":"1"},"b":2})",
                           R"({"attachments":{"a":"1"})"}) {
    EXPECT_EQ(StatusOf(line, "a", kProtobufJson), Status::kUndecodable) << line;
  }
}

TEST(DubboJson, LinesMayEndAsOnWindows) {
  const auto frame = Request("\"2.0.2\"\r\n\"org.Demo\"\r\n\"1\"\r\n\"hi\"\r\n\"\"\r\n{\"a\":\"1\"}\r\n");
  DubboRequest request(frame);
  test::ExpectFields(request, {{"interface", "org.Demo"}, {"method", "hi"}, {"a", "1"}});
}

// As the fastjson of Dubbo 3 writes them.
std::string Measured(const std::vector<std::string>& values) {
  std::string body;
  for (const std::string& value : values) {
    body += std::string{0, 0, static_cast<char>(value.size() >> 8), static_cast<char>(value.size())} + value;
  }
  return body;
}

TEST(DubboJson, LengthsInFrontOfValuesMayTakeThePlaceOfLineEnds) {
  const auto frame = Request(
      Measured({"\"2.0.2\"", "\"org.Demo\"", "null", "\"hi\"", "\"Lx;I\"", "{\n\"k\":\"\n\"}", "7", R"({"a":"1"})"}));
  DubboRequest request(frame);
  test::ExpectFields(request, {{"interface", "org.Demo"}, {"version", {}}, {"method", "hi"}, {"a", "1"}});
}

TEST(DubboJson, LengthsBeyondTheBodyAreRefused) {
  std::string body = Measured({"\"2.0.2\"", "\"org.Demo\"", "\"1\"", "\"hi\"", "\"I\"", "7"});
  for (const char first : {'\0', '\x7f', '\xff'}) {
    const auto frame = Request(body + first + std::string("\0\0\x0a{\"a\":\"1\"}", 12));
    DubboRequest request(frame);
    EXPECT_EQ(request.Method().value, "hi");
    EXPECT_EQ(request.Field("a").status, Status::kUndecodable);
  }
}

TEST(DubboJson, NullStringsAreAbsent) {
  const auto frame = Request("null\nnull\nnull\n\"hi\"\nnull\nnull\n");
  DubboRequest request(frame);
  test::ExpectFields(request, {{"interface", {}}, {"version", {}}, {"method", "hi"}, {"a", {}}});
}

TEST(DubboJson, DubboxMayWriteANumberBehindTheMethod) {
  const auto before = Request(kFourStrings + std::string("-1\n\"I\"\n7\n{\"a\":\"1\"}\n"));
  const auto instead = Request(kFourStrings + std::string("2\n7\n8\n{\"a\":\"1\"}\n"));
  for (const auto& frame : {before, instead}) {
    DubboRequest request(frame);
    test::ExpectFields(request, {{"method", "hi"}, {"version", "1.0.0"}, {"a", "1"}});
  }
}

TEST(DubboJson, LinesThatAreMissingOrNotStringsStopTheReading) {
  for (const char* descriptor : {"\"\"", "7x\n", "{}\n", "\"\" \"\"\n", "\"I\"\n", "\"(I)V\"\n{}\n", "99999999999\n"}) {
    const auto frame = Request(kFourStrings + std::string(descriptor));
    DubboRequest request(frame);
    EXPECT_EQ(request.Method().value, "hi") << descriptor;
    EXPECT_EQ(request.Field("a").status, Status::kUndecodable) << descriptor;
  }
}

TEST(DubboJsonHostile, DepthIsBounded) {
  const auto nested = [](size_t depth) {
    return "{\"b\":" + std::string(depth, '[') + std::string(depth, ']') + ",\"a\":\"1\"}";
  };
  EXPECT_EQ(ValueOf(nested(json::kMaxDepth)), "1");
  EXPECT_EQ(StatusOf(nested(json::kMaxDepth + 1)), Status::kUndecodable);
  EXPECT_EQ(StatusOf(nested(1000000)), Status::kUndecodable);
}

TEST(DubboJsonHostile, NumberOfAttachmentsIsBounded) {
  for (const size_t count : {DecodedBody::kMaxAttachments, DecodedBody::kMaxAttachments + 1}) {
    std::string line = "{\"a\":1";
    for (size_t i = 1; i < count; ++i) {
      line += ",\"k\":2";
    }
    EXPECT_EQ(StatusOf(line + "}"), count > DecodedBody::kMaxAttachments ? Status::kUndecodable : Status::kPresent);
  }
}

TEST(DubboJsonHostile, TextWithEscapesIsBounded) {
  const std::string half(DecodedBody::kMaxOwnedBytes / 2 - 1, 'x');
  const auto frame = WithAttachments("{\"a\":\"\\n" + half + "\",\"b\":\"\\n" + half + "\",\"c\":\"\\n\",\"d\":\"\"}");
  DubboRequest request(frame);
  EXPECT_EQ(request.Field("a").status, Status::kPresent);
  EXPECT_EQ(request.Field("b").status, Status::kPresent);
  EXPECT_EQ(request.Field("c").status, Status::kUndecodable) << "the budget is used up";
  EXPECT_EQ(request.Field("d").status, Status::kPresent) << "text without escapes needs none";
}

}  // namespace
}  // namespace rpctee::protocol::dubbo
