#include "protocol/dubbo/dubbo_request.h"

#include <gtest/gtest.h>

#include "support/codec_kit.h"
#include "unit/protocol/vectors.h"

namespace rpctee::protocol::dubbo {
namespace {

using test::Fields;
using test::Hessian2;
using test::RealFrame;
using Status = FieldValue::Status;

std::unique_ptr<RequestView> MakeView(Bytes frame) { return std::make_unique<DubboRequest>(frame); }

struct RealRow {
  const char* frame;
  Fields fields;
};

const std::vector<RealRow>& RealRows() {
  const char* const kDemo = "org.example.mirror.DemoService";
  const char* const kApplication = "mirror-demo-consumer";
  static const std::vector<RealRow> rows = {
      {"dubbo278_say_hello",
       {{"interface", kDemo},
        {"method", "sayHello"},
        {"version", "1.0.0"},
        {"group", std::nullopt},
        {"path", kDemo},
        {"remote.application", kApplication}}},
      {"dubbo278_say_hello_unicode", {{"method", "sayHello"}, {"version", "1.0.0"}, {"path", kDemo}}},
      {"dubbo278_update_user", {{"method", "updateUser"}, {"remote.application", kApplication}, {"x", std::nullopt}}},
      {"dubbo278_sum", {{"method", "sum"}, {"path", kDemo}}},
      {"dubbo278_attachments", {{"method", "attachmentsSeen"}, {"trace-id", "abc-123"}, {"x-tag", "gray"}}},
      {"dubbo278_group", {{"interface", kDemo}, {"group", "gray"}}},
      {"dubbo278_fire_oneway", {{"method", "fire"}, {"path", kDemo}, {"group", std::nullopt}}},
      {"dubbo278_echo", {{"method", "$echo"}, {"path", kDemo}}},
      {"dubbo3111_no_args", {{"method", "noArgs"}, {"timeout", "20000"}}},
      {"dubbo3111_generic_update_user", {{"method", "updateUser"}, {"generic", "true"}, {"timeout", "20000"}}},
      {"dubbo2612_add", {{"method", "add"}, {"timeout", "20000"}, {"remote.application", std::nullopt}}},
      {"dubbojs_say_hello", {{"interface", kDemo}, {"application", "dubbo-js"}, {"timeout", "15000"}}},
      {"dubbo2js_update_user", {{"method", "updateUser"}, {"application", "dubbo2.js"}, {"timeout", "15000"}}},
      {"dubbo278_fastjson_say_hello",
       {{"interface", kDemo}, {"method", "sayHello"}, {"version", "1.0.0"}, {"remote.application", kApplication}}},
      {"dubbo278_java_say_hello",
       {{"interface", kDemo}, {"method", "sayHello"}, {"version", "1.0.0"}, {"remote.application", kApplication}}},
      {"dubboremoting_say_hello", {{"dubbo", "5.3.0"}, {"group", ""}, {"trace-id", "tr-0"}, {"timeout", "3000"}}},
  };
  return rows;
}

TEST(DubboRequest, RealRequestsAreReadAsTheirProgramsMeantThem) {
  for (const RealRow& row : RealRows()) {
    SCOPED_TRACE(row.frame);
    const std::vector<uint8_t> frame = RealFrame(row.frame);
    DubboRequest request(frame);
    test::ExpectFields(request, row.fields);
  }
}

TEST(DubboRequest, CutShortItAnswersTheSameOrNotAtAll) {
  for (const RealRow& row : RealRows()) {
    SCOPED_TRACE(row.frame);
    test::ExpectTruncatedRequestNeverLies(MakeView, RealFrame(row.frame), row.fields);
  }
}

TEST(DubboRequest, FieldsInFrontOfACutAreStillRead) {
  const std::vector<uint8_t> frame = RealFrame("dubbo278_update_user");
  DubboRequest request(Bytes(frame).first(frame.size() - 1));
  EXPECT_EQ(request.Interface().value, "org.example.mirror.DemoService");
  EXPECT_EQ(request.Method().value, "updateUser");
  EXPECT_EQ(request.Field("path").status, Status::kUndecodable);
}

TEST(DubboRequest, NamesAreComparedWithoutRegardToCase) {
  const std::vector<uint8_t> frame = RealFrame("dubbo278_attachments");
  DubboRequest request(frame);
  EXPECT_EQ(request.Field("INTERFACE").value, "org.example.mirror.DemoService");
  EXPECT_EQ(request.Field("Method").value, "attachmentsSeen");
  EXPECT_EQ(request.Field("Version").value, "1.0.0");
  EXPECT_EQ(request.Field("Trace-ID").value, "abc-123");
}

TEST(DubboRequest, GenericCallHasTheMethodThatItNames) {
  const std::vector<uint8_t> frame = RealFrame("dubbo3111_generic_update_user");
  DubboRequest request(frame);
  EXPECT_EQ(request.Method().value, "updateUser");
  EXPECT_EQ(request.WireMethod().value, "$invoke");
}

TEST(DubboRequest, AsynchronousGenericCallHasTheMethodThatItNames) {
  const auto frame = Hessian2()
                         .Prefix("$invokeAsync", "Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;")
                         .String("pay")
                         .Raw("7890 7890 4e")
                         .Request();
  DubboRequest request(frame);
  EXPECT_EQ(request.Method().value, "pay");
}

TEST(DubboRequest, GenericCallWithoutAReadableMethodIsUndecodable) {
  const auto frame = Hessian2().Prefix("$invoke", "Ljava/lang/String;[I[I").Raw("91 78 78 4e").Request();
  DubboRequest request(frame);
  EXPECT_EQ(request.Method().status, Status::kUndecodable);
  EXPECT_EQ(request.WireMethod().value, "$invoke");
}

TEST(DubboRequest, MethodThatIsOnlyCalledInvokeKeepsItsName) {
  const auto frame = Hessian2().Prefix("$invoke", "Ljava/lang/String;").String("x").Raw("4e").Request();
  DubboRequest request(frame);
  EXPECT_EQ(request.Method().value, "$invoke");
}

Hessian2 DubboxPrefix() { return Hessian2().String("2.8.4").String("org.Demo").String("1.0.0").String("hi"); }

TEST(DubboRequest, DubboxMayWriteMinusOneInFrontOfTheDescriptor) {
  const auto frame = DubboxPrefix().Raw("8f").String("I").Raw("91 48 0161 0131 5a").Request();
  DubboRequest request(frame);
  test::ExpectFields(request, {{"interface", "org.Demo"}, {"version", "1.0.0"}, {"method", "hi"}, {"a", "1"}});
  EXPECT_EQ(request.Descriptor().value, "I");
}

TEST(DubboRequest, DubboxMayWriteTheNumberOfArgumentsInsteadOfTheDescriptor) {
  const auto frame = DubboxPrefix().Raw("92 0178 91 48 0161 0131 5a").Request();
  DubboRequest request(frame);
  test::ExpectFields(request, {{"interface", "org.Demo"}, {"version", "1.0.0"}, {"method", "hi"}, {"a", "1"}});
  EXPECT_EQ(request.Descriptor().status, Status::kAbsent);
}

TEST(DubboRequest, NumberOfArgumentsThatIsWrongLeavesOnlyTheFieldsBeforeIt) {
  for (const char* count : {"93", "497fffffff", "4980000000", "49ff"}) {
    const auto frame = DubboxPrefix().Raw(count).Raw("0178 91 48 0161 0131 5a").Request();
    DubboRequest request(frame);
    test::ExpectFields(request, {{"interface", "org.Demo"}, {"version", "1.0.0"}, {"method", "hi"}});
    EXPECT_EQ(request.Field("a").status, Status::kUndecodable) << count;
  }
}

TEST(DubboRequest, NullStringsAreAbsent) {
  const auto frame = Hessian2().String("2.0.2").Raw("4e 4e 4e 4e 48 0161 4e 5a").Request();
  DubboRequest request(frame);
  for (const char* name : {"interface", "version", "method", "a", "b"}) {
    EXPECT_EQ(request.Field(name).status, Status::kAbsent) << name;
  }
}

TEST(DubboRequest, AttachmentValuesAreTextAsFarAsTheyCanBe) {
  const auto frame =
      Hessian2()
          .Prefix("hi", "")
          .Raw("48 0161 d43a98 0162 4cffffffffffffffff 0163 54 0164 46 0165 4e 0166 5c 0167 7990 0168 485a")
          .Raw("90 0178 0169 02eda0bdedb880 016a")
          .Chunk("jo")
          .String("ined")
          .Raw("5a")
          .Request();
  DubboRequest request(frame);
  test::ExpectFields(request, {{"a", "15000"},
                               {"b", "-1"},
                               {"c", "true"},
                               {"d", "false"},
                               {"e", std::nullopt},
                               {"i", "\xf0\x9f\x98\x80"},
                               {"j", "joined"},
                               {"k", std::nullopt}});
  for (const char* name : {"f", "g", "h"}) {
    EXPECT_EQ(request.Field(name).status, Status::kUndecodable) << name;
  }
}

TEST(DubboRequest, OfTwoAttachmentsWithOneNameTheLaterCounts) {
  const auto frame = Hessian2().Prefix("hi", "").Raw("48 0161 0131 0162 0132 0161 0133 5a").Request();
  DubboRequest request(frame);
  EXPECT_EQ(request.Field("a").value, "3");
  EXPECT_EQ(request.Field("b").value, "2");
}

TEST(DubboRequest, AttachmentsMayBeNullOrATypedMap) {
  const auto null = Hessian2().Prefix("hi", "").Raw("4e").Request();
  EXPECT_EQ(DubboRequest(null).Field("a").status, Status::kAbsent);
  const auto typed = Hessian2().Prefix("hi", "").Raw("4d 0454726565 0161 0131 5a").Request();
  EXPECT_EQ(DubboRequest(typed).Field("a").value, "1");
}

TEST(DubboRequest, AttachmentsThatAreNoMapAreUndecodable) {
  for (const char* tail : {"", "51 90", "0161", "58 90", "48 0161 5a", "48 0161 0131"}) {
    const auto frame = Hessian2().Prefix("hi", "").Raw(tail).Request();
    DubboRequest request(frame);
    EXPECT_EQ(request.Field("a").status, Status::kUndecodable) << tail;
    EXPECT_EQ(request.Method().value, "hi") << tail;
  }
}

TEST(DubboRequest, ClassesDescribedInTheArgumentsCountInTheAttachments) {
  const auto frame = Hessian2()
                         .Prefix("hi", "Lorg/A;")
                         .Raw("43 0141 92 0178 0179 60 90 90")
                         .Raw("48 016f 60 91 91 0161 0131 5a")
                         .Request();
  DubboRequest request(frame);
  EXPECT_EQ(request.Field("a").value, "1");
  EXPECT_EQ(request.Field("o").status, Status::kUndecodable);
}

TEST(DubboRequest, TextInChunksIsJoinedInThePrefixToo) {
  const auto frame =
      Hessian2().String("2.0.2").Chunk("org.").String("Demo").String("1").Chunk("h").String("i").Raw("00 4e").Request();
  DubboRequest request(frame);
  test::ExpectFields(request, {{"interface", "org.Demo"}, {"method", "hi"}, {"version", "1"}, {"a", std::nullopt}});
}

TEST(DubboRequest, OtherSerializationsAreUndecodable) {
  // Numbers that are gone since Dubbo 2.6, that users may give to what they make, and that nobody gave.
  for (const uint8_t serialization : std::initializer_list<uint8_t>{0, 1, 5, 13, 24, 31}) {
    const auto frame = Hessian2().Prefix("hi", "").Raw("4e").Request(static_cast<uint8_t>(0xc0 | serialization));
    DubboRequest request(frame);
    for (const char* field : {"interface", "method", "version", "group"}) {
      EXPECT_EQ(request.Field(field).status, Status::kUndecodable) << int{serialization} << " " << field;
    }
    EXPECT_EQ(request.WireMethod().status, Status::kUndecodable);
    EXPECT_EQ(request.Descriptor().status, Status::kUndecodable);
  }
}

TEST(DubboRequest, WhatIsNoRequestIsUndecodable) {
  for (const uint8_t flags : std::initializer_list<uint8_t>{0xe2, 0xa2, 0x02, 0x22}) {
    const auto frame = Hessian2().Prefix("hi", "").Raw("4e").Request(flags);
    EXPECT_EQ(DubboRequest(frame).Method().status, Status::kUndecodable) << int{flags};
  }
  EXPECT_EQ(DubboRequest(Bytes{}).Method().status, Status::kUndecodable);
}

TEST(DubboRequest, BytesBehindTheFrameAreNotPartOfIt) {
  auto frame = Hessian2().Prefix("hi", "").Raw("48").Request();
  frame.insert(frame.end(), {0x01, 'a', 0x01, '1', 0x5a});
  EXPECT_EQ(DubboRequest(frame).Field("a").status, Status::kUndecodable);
}

}  // namespace
}  // namespace rpctee::protocol::dubbo
