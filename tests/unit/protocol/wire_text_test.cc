#include "protocol/dubbo/wire_text.h"

#include <gtest/gtest.h>

#include "unit/protocol/vectors.h"

namespace rpctee::protocol::dubbo {
namespace {

using test::FromHex;

constexpr Encoding kAll[] = {
    Encoding::kUtf8,
    Encoding::kCesu8,
    Encoding::kModifiedUtf8,
    Encoding::kLatin1,
    Encoding::kUtf16LittleEndian,
    Encoding::kUtf16BigEndian,
    Encoding::kFst,
};

// U+0061, U+00E9, U+4E16, U+1F600
const char* const kText = "a\xc3\xa9\xe4\xb8\x96\xf0\x9f\x98\x80";

std::optional<std::string> Decode(Encoding encoding, std::string_view hex, size_t max_bytes = 100) {
  const std::vector<uint8_t> bytes = FromHex(hex);
  return ToUtf8(encoding, AsText(bytes), max_bytes);
}

TEST(WireText, EveryEncodingSaysTheSame) {
  EXPECT_EQ(Decode(Encoding::kUtf8, "61 c3a9 e4b896 f09f9880"), kText);
  EXPECT_EQ(Decode(Encoding::kCesu8, "61 c3a9 e4b896 eda0bdedb880"), kText);
  EXPECT_EQ(Decode(Encoding::kModifiedUtf8, "61 c3a9 e4b896 eda0bdedb880"), kText);
  EXPECT_EQ(Decode(Encoding::kUtf16LittleEndian, "6100 e900 164e 3dd8 00de"), kText);
  EXPECT_EQ(Decode(Encoding::kUtf16BigEndian, "0061 00e9 4e16 d83d de00"), kText);
  EXPECT_EQ(Decode(Encoding::kFst, "61 e9 ff164e ff3dd8 ff00de"), kText);
  EXPECT_EQ(Decode(Encoding::kLatin1, "61 e9 ff"), "a\xc3\xa9\xc3\xbf");
}

TEST(WireText, EmptyTextIsPlainInEveryEncoding) {
  for (const Encoding encoding : kAll) {
    EXPECT_TRUE(IsPlain(encoding, ""));
    EXPECT_EQ(ToUtf8(encoding, "", 0), "");
  }
}

TEST(WireText, PlainIsWhatCanBeHandedOutAsItStands) {
  EXPECT_TRUE(IsPlain(Encoding::kUtf8, kText));
  EXPECT_FALSE(IsPlain(Encoding::kUtf8, "\xff"));
  EXPECT_TRUE(IsPlain(Encoding::kCesu8, "a\xc3\xa9"));
  EXPECT_FALSE(IsPlain(Encoding::kCesu8, kText)) << "four bytes stand for no unit";
  EXPECT_FALSE(IsPlain(Encoding::kModifiedUtf8, "\xed\xa0\xbd\xed\xb8\x80"));
  EXPECT_TRUE(IsPlain(Encoding::kLatin1, "a"));
  EXPECT_FALSE(IsPlain(Encoding::kLatin1, "\xc3\xa9")) << "two characters";
  EXPECT_FALSE(IsPlain(Encoding::kFst, "\xc3\xa9"));
  EXPECT_FALSE(IsPlain(Encoding::kUtf16BigEndian, "ab"));
}

TEST(WireText, ZeroHasTwoBytesInModifiedUtf8Alone) {
  EXPECT_EQ(Decode(Encoding::kModifiedUtf8, "61 c080"), std::string("a\0", 2));
  EXPECT_EQ(Decode(Encoding::kCesu8, "61 c080"), std::nullopt);
  EXPECT_EQ(Decode(Encoding::kModifiedUtf8, "c1bf"), std::nullopt) << "no other character is written too long";
  EXPECT_EQ(Decode(Encoding::kModifiedUtf8, "e08080"), std::nullopt);
}

TEST(WireText, HalfASurrogatePairIsNoText) {
  for (const char* units : {"d83d", "de00", "d83d 0061", "d83d d83d de00", "0061 de00"}) {
    EXPECT_EQ(Decode(Encoding::kUtf16BigEndian, units), std::nullopt) << units;
  }
}

TEST(WireText, TextThatEndsInsideACharacterIsRefused) {
  for (const char* bytes : {"c3", "e4b8", "e4", "80", "eda0bdedb8", "f09f9880"}) {
    EXPECT_EQ(Decode(Encoding::kCesu8, bytes), std::nullopt) << bytes;
  }
  EXPECT_EQ(Decode(Encoding::kUtf16LittleEndian, "6100 61"), std::nullopt);
  EXPECT_EQ(Decode(Encoding::kFst, "ff"), std::nullopt);
  EXPECT_EQ(Decode(Encoding::kFst, "ff16"), std::nullopt);
  EXPECT_EQ(Decode(Encoding::kUtf8, "ff"), std::nullopt);
}

TEST(WireText, TheBoundCountsWhatComesOut) {
  EXPECT_EQ(Decode(Encoding::kLatin1, "e9e9", 4), "\xc3\xa9\xc3\xa9");
  EXPECT_EQ(Decode(Encoding::kLatin1, "e9e9", 3), std::nullopt);
  EXPECT_EQ(Decode(Encoding::kUtf8, "6162", 1), std::nullopt);
}

}  // namespace
}  // namespace rpctee::protocol::dubbo
