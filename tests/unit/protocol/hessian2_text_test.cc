#include "protocol/dubbo/hessian2_text.h"

#include <gtest/gtest.h>

#include "unit/protocol/vectors.h"

namespace rpctee::protocol::dubbo::hessian2 {
namespace {

using test::FromHex;

std::optional<std::string> Decode(std::string_view hex, size_t max_bytes = 100) {
  return DecodeText(FromHex(hex), 0, max_bytes);
}

TEST(Hessian2Text, ChunksAreJoined) { EXPECT_EQ(Decode("520001 61 520002 6263 530001 64"), "abcd"); }

TEST(Hessian2Text, SurrogatePairsBecomeFourBytes) {
  EXPECT_EQ(Decode("03 61 eda0bd edb880"), "a\xf0\x9f\x98\x80");
  EXPECT_EQ(Decode("02 eda080 edb080"), "\xf0\x90\x80\x80") << "the first character behind the basic plane";
  EXPECT_EQ(Decode("02 edafbf edbfbf"), "\xf4\x8f\xbf\xbf") << "the last one";
}

TEST(Hessian2Text, SurrogatePairCutByAChunkIsJoined) {
  EXPECT_EQ(Decode("520001 eda0bd 01 edb880"), "\xf0\x9f\x98\x80");
}

TEST(Hessian2Text, OtherCharactersStayAsTheyAre) {
  EXPECT_EQ(Decode("520002 e4b896 c3a9 01 61"),
            "\xe4\xb8\x96\xc3\xa9"
            "a");
  EXPECT_EQ(Decode("520001 ed9fbf 02 ee8080 00"), std::string("\xed\x9f\xbf\xee\x80\x80\0", 7))
      << "next to the surrogates";
}

TEST(Hessian2Text, WhatUtf8CannotSayIsNotMadeUp) {
  EXPECT_EQ(Decode("01 eda0bd"), std::nullopt) << "first half alone";
  EXPECT_EQ(Decode("01 edb880"), std::nullopt) << "second half alone";
  EXPECT_EQ(Decode("02 eda0bd 61"), std::nullopt) << "first half and a letter";
  EXPECT_EQ(Decode("02 eda0bd eda0bd"), std::nullopt) << "first half twice";
  EXPECT_EQ(Decode("02 eda0bd c3b8"), std::nullopt) << "first half and a character of two bytes";
  EXPECT_EQ(Decode("01 c080"), std::nullopt) << "two bytes for a character that needs one";
  EXPECT_EQ(Decode("01 e08080"), std::nullopt) << "three bytes for a character that needs one";
}

TEST(Hessian2Text, MalformedAndTooLongTextIsRefused) {
  EXPECT_EQ(Decode("520001 61"), std::nullopt);
  EXPECT_EQ(Decode("4e"), std::nullopt);
  EXPECT_EQ(Decode(""), std::nullopt);
  EXPECT_EQ(Decode("520003 616263 03 646566", 6), "abcdef");
  EXPECT_EQ(Decode("520003 616263 03 646566", 5), std::nullopt);
  EXPECT_EQ(Decode("520003 616263 03 646566", 2), std::nullopt);
}

}  // namespace
}  // namespace rpctee::protocol::dubbo::hessian2
