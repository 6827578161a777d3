#include "protocol/additions.h"

#include <gtest/gtest.h>

#include "protocol/dubbo/hessian2.h"
#include "unit/protocol/vectors.h"

namespace rpctee::protocol {
namespace {

TEST(Additions, OfTwoEntriesWithOneKeyTheLaterCounts) {
  const Additions additions = Additions::Make({{"a", "1"}, {"b", "2"}, {"a", "3"}}).value();
  ASSERT_EQ(additions.attachments().size(), 2U);
  EXPECT_EQ(additions.attachments()[1], (Attachment{"a", "3"}));
  EXPECT_EQ(AsText(additions.Written(AttachmentStyle::kJson)), R"("b":"2","a":"3")");
}

TEST(Additions, TextThatNoSerializationTakesIsRefused) {
  const auto error = [](const Attachment& one) {
    const Result<Additions> made = Additions::Make({one});
    return made ? std::string() : made.error().message;
  };
  EXPECT_EQ(error({"", "x"}), "attachment \"\": its name is empty");
  EXPECT_EQ(error({"a", "\n"}), "attachment \"a\": its value is not plain text in UTF-8");
  EXPECT_EQ(error({"\xff", "x"}), "attachment \"\xff\": its name is not plain text in UTF-8");
  EXPECT_EQ(error({"a", std::string(4097, 'x')}), "attachment \"a\": its value is longer than 4096 bytes");
  EXPECT_EQ(error({"a", std::string(4096, 'x')}), "");
  EXPECT_FALSE(Additions::Make(std::vector<Attachment>()).value().attachments().size() > 0);
}

TEST(Additions, HessianCountsUnitsOfUtf16) {
  const Additions additions = Additions::Make({{"a", "\xf0\x9f\x98\x80"}}).value();
  EXPECT_EQ(std::vector<uint8_t>(additions.Written(AttachmentStyle::kHessian2).begin(),
                                 additions.Written(AttachmentStyle::kHessian2).end()),
            test::FromHex("01 61 02 eda0bd edb880"));
}

TEST(Additions, LengthsOfEverySizeAreReadBack) {
  for (const size_t length : {0U, 31U, 32U, 47U, 48U, 255U, 256U, 1023U, 1024U, 2047U, 2048U, 4096U}) {
    const Additions additions = Additions::Make({{"a", std::string(length, 'x')}}).value();
    const Bytes written = additions.Written(AttachmentStyle::kHessian2);
    dubbo::hessian2::Reader reader(written);
    const dubbo::hessian2::Text key = reader.String();
    EXPECT_EQ(AsText(written.subspan(key.at, key.bytes)), "a");
    EXPECT_EQ(reader.String().bytes, length);
  }
}

}  // namespace
}  // namespace rpctee::protocol
