// Requests that somebody made to hurt. The limits of time are generous: they catch what is quadratic, not what is slow.
#include <gtest/gtest.h>

#include <chrono>

#include "protocol/dubbo/dubbo_request.h"
#include "support/codec_kit.h"
#include "unit/protocol/vectors.h"

namespace rpctee::protocol::dubbo {
namespace {

using test::Hessian2;
using Status = FieldValue::Status;

void ExpectUndecodableSoon(const std::vector<uint8_t>& frame) {
  const auto begin = std::chrono::steady_clock::now();
  DubboRequest request(frame);
  EXPECT_EQ(request.Method().value, "hi");
  EXPECT_EQ(request.Field("a").status, Status::kUndecodable);
  EXPECT_EQ(request.Field("a").status, Status::kUndecodable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
}

Hessian2 OneArgument() { return Hessian2().Prefix("hi", "Ljava/lang/Object;"); }

TEST(DubboRequestHostile, MillionNestedListsNeedNoStack) {
  ExpectUndecodableSoon(OneArgument().Byte(0x57, 1000000).Byte(0x5a, 1000000).Raw("4e").Request());
  ExpectUndecodableSoon(OneArgument().Byte(0x79, 1000000).Raw("90 4e").Request());
}

TEST(DubboRequestHostile, MillionNestedMapsNeedNoStack) {
  ExpectUndecodableSoon(OneArgument().Byte(0x48, 1000000).Request());
  Hessian2 values = OneArgument();
  for (int i = 0; i < 1000000; ++i) {
    values.Byte(0x48).Byte(0x4e);
  }
  ExpectUndecodableSoon(values.Request());
}

TEST(DubboRequestHostile, ClassThatContainsItselfEndsAtTheBoundOfDepth) {
  const Hessian2 cyclic = OneArgument().Raw("43 0141 91 0161");
  ExpectUndecodableSoon(Hessian2(cyclic).Byte(0x60, 1000000).Raw("4e 4e").Request());
  const auto shallow = Hessian2(cyclic).Byte(0x60, 100).Raw("4e 48 0161 0131 5a").Request();
  EXPECT_EQ(DubboRequest(shallow).Field("a").value, "1");
}

TEST(DubboRequestHostile, DefinitionsWithoutEndAreBounded) {
  Hessian2 definitions = OneArgument();
  for (int i = 0; i < 100000; ++i) {
    definitions.Raw("43 0141 90");
  }
  ExpectUndecodableSoon(definitions.Raw("60 4e").Request());
}

TEST(DubboRequestHostile, LengthsBeyondTheMessageAreRefused) {
  for (const char* argument : {"53ffff", "33ff", "52ffff", "42ffff", "41ffff", "37ff", "58497fffffff",
                               "56 00 497fffffff", "43 0141 497fffffff", "43 0141 d7ffff"}) {
    SCOPED_TRACE(argument);
    ExpectUndecodableSoon(OneArgument().Raw(argument).Request());
  }
}

TEST(DubboRequestHostile, BadUtf8IsUndecodableAndStopsTheWalk) {
  for (const char* argument : {"01 80", "01 ff", "02 c3 41 41", "02 e4b8 41 41", "02 f09f9880", "01 c3"}) {
    SCOPED_TRACE(argument);
    ExpectUndecodableSoon(OneArgument().Raw(argument).Raw("48 0161 0131 5a").Request());
  }
}

TEST(DubboRequestHostile, HalfASurrogatePairInAnArgumentIsSteppedOver) {
  const auto frame = OneArgument().Raw("01 eda0bd 48 0161 0131 0162 01 eda0bd 5a").Request();
  DubboRequest request(frame);
  EXPECT_EQ(request.Field("a").value, "1");
  EXPECT_EQ(request.Field("b").status, Status::kUndecodable);
}

TEST(DubboRequestHostile, NameThatUtf8CannotSayMakesTheAttachmentsUndecodable) {
  ExpectUndecodableSoon(Hessian2().Prefix("hi", "").Raw("48 0161 0131 01eda0bd 0131 5a").Request());
}

TEST(DubboRequestHostile, NumberOfAttachmentsIsBounded) {
  for (const size_t count : {Hessian2Body::kMaxAttachments, Hessian2Body::kMaxAttachments + 1}) {
    Hessian2 message = Hessian2().Prefix("hi", "").Byte(0x48);
    for (size_t i = 0; i < count; ++i) {
      message.String("k" + std::to_string(i)).Raw("0131");
    }
    const auto frame = message.Raw("5a").Request();
    DubboRequest request(frame);
    EXPECT_EQ(request.Field("k1").status,
              count > Hessian2Body::kMaxAttachments ? Status::kUndecodable : Status::kPresent);
  }
}

TEST(DubboRequestHostile, JoinedTextIsBounded) {
  const std::string half(Hessian2Body::kMaxOwnedBytes / 2, 'x');
  const auto fits =
      Hessian2().Prefix("hi", "").Raw("48 0161").Chunk(half).String(half).Raw("0162").Chunk("").String("b");
  const auto frame = Hessian2(fits).Raw("0163 0131 0164 91 5a").Request();
  DubboRequest request(frame);
  EXPECT_EQ(request.Field("a").value.size(), Hessian2Body::kMaxOwnedBytes);
  EXPECT_EQ(request.Field("b").status, Status::kUndecodable) << "the budget is used up";
  EXPECT_EQ(request.Field("d").status, Status::kUndecodable) << "a number is text that has to be made, too";
  EXPECT_EQ(request.Field("c").value, "1") << "text in one piece needs none";
  EXPECT_EQ(request.Field("a").status, Status::kPresent);
}

TEST(DubboRequestHostile, DescriptorThatAnnouncesMoreThanThereIsEndsWithTheMessage) {
  ExpectUndecodableSoon(Hessian2().Prefix("hi", std::string(60000, 'I')).Raw("90 90 485a").Request());
}

TEST(DubboRequestHostile, ChangedBytesAreOrdinaryInput) {
  const auto make_view = [](Bytes frame) { return std::make_unique<DubboRequest>(frame); };
  const test::Fields fields = {{"group", {}}, {"method", {}}, {"interface", {}}, {"path", {}}, {"timeout", {}}};
  for (const char* name : {"dubbo278_update_user", "dubbo3111_generic_update_user", "dubbo2js_update_user"}) {
    test::ExpectChangedRequestIsOrdinaryInput(make_view, test::RealFrame(name), fields, 16, 20000);
  }
}

}  // namespace
}  // namespace rpctee::protocol::dubbo
