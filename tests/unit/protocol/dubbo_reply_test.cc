// What answers say. The bodies are those that Apache Dubbo's own serializations write for a flag and "hi" behind it
// (2.7.23; fastjson2 and the other fastjson 3.2.16), and the starts of recorded answers.
#include "protocol/dubbo/reply.h"

#include <gtest/gtest.h>

#include "protocol/dubbo/dubbo_codec.h"
#include "unit/protocol/vectors.h"

namespace rpctee::protocol::dubbo {
namespace {

struct Written {
  uint8_t serialization;
  const char* exception;
  const char* value;
};
constexpr Written kWritten[] = {
    {kSerializationHessian2, "90026869", "94026869"},
    {kSerializationNativeHessian, "90026869", "94026869"},
    {kSerializationJava, "aced0005770200017400026869", "aced0005770204017400026869"},
    {kSerializationCompactedJava, "aced0005770200017400026869", "aced0005770204017400026869"},
    {kSerializationNativeJava, "aced00057701007400026869", "aced00057701047400026869"},
    {kSerializationFastjson, "300a226869220a", "340a226869220a"},
    {kSerializationFastjson, "0000000230420000000422686922", "0000000234420000000422686922"},
    {kSerializationGson, "300a226869220a", "340a226869220a"},
    {kSerializationProtobufJson, "300a226869220a", "340a226869220a"},
    {kSerializationFastjson2, "00000002bd00000000034b6869", "00000002bd04000000034b6869"},
    {kSerializationKryo, "00030168e9", "04030168e9"},
    {kSerializationKryo2, "000168e9", "040168e9"},
    {kSerializationFst, "00fc026869", "04fc026869"},
    {kSerializationMsgpack, "00a26869", "04a26869"},
    {kSerializationAvro, "00046869", "04046869"},
    {kSerializationProtostuff, "00000000100000000a6a6176612e6c616e672e537472696e670a026869100018002000",
     "04000000100000000a6a6176612e6c616e672e537472696e670a026869100018002000"},
};

TEST(DubboReply, AnExceptionIsToldFromAValueInEverySerialization) {
  for (const Written& written : kWritten) {
    EXPECT_TRUE(HoldsException(written.serialization, test::FromHex(written.exception))) << written.exception;
    EXPECT_FALSE(HoldsException(written.serialization, test::FromHex(written.value))) << written.value;
  }
}

TEST(DubboReply, RecordedAnswersOfTwoVersionsAreRead) {
  EXPECT_TRUE(HoldsException(kSerializationHessian2, test::FromHex("93431f6a617661")));  // with attachments
  EXPECT_FALSE(HoldsException(kSerializationHessian2, test::FromHex("91084865")));
  EXPECT_FALSE(HoldsException(kSerializationHessian2, test::FromHex("95480564")));
  EXPECT_TRUE(HoldsException(kSerializationFastjson, test::FromHex("330a7b224074")));
  EXPECT_FALSE(HoldsException(kSerializationFastjson, test::FromHex("350a7b226475")));
}

TEST(DubboReply, ABodyThatCannotBeReadHoldsNone) {
  for (int serialization = 0; serialization < 32; ++serialization) {
    EXPECT_FALSE(HoldsException(static_cast<uint8_t>(serialization), {})) << serialization;
    EXPECT_FALSE(HoldsException(static_cast<uint8_t>(serialization), test::FromHex("ffffffffffffffff")));
  }
  EXPECT_FALSE(HoldsException(kSerializationProtobuf, test::FromHex("0000")));
}

TEST(DubboReply, TheFlagStandsWithinTheFirstBytes) {
  for (const Written& written : kWritten) {
    const auto body = test::FromHex(written.exception);
    EXPECT_TRUE(HoldsException(written.serialization, Bytes(body).first(std::min(body.size(), kResultFlagBytes))));
  }
}

TEST(DubboReply, StatusesHaveDubbosNames) {
  EXPECT_EQ(StatusName(kStatusOk), "OK");
  EXPECT_EQ(StatusName(60), "SERVICE_NOT_FOUND");
  EXPECT_EQ(StatusName(100), "SERVER_THREADPOOL_EXHAUSTED");
  EXPECT_EQ(StatusName(0), "");
  EXPECT_EQ(StatusName(21), "");
}

}  // namespace
}  // namespace rpctee::protocol::dubbo
