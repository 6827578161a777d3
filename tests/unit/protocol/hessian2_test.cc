#include "protocol/dubbo/hessian2.h"

#include <gtest/gtest.h>

#include "support/guard_page.h"
#include "unit/protocol/vectors.h"

namespace rpctee::protocol::dubbo::hessian2 {
namespace {

using test::FromHex;

// Bytes that one value takes; nothing when it can't be stepped over.
std::optional<size_t> SizeOf(Bytes message) {
  Reader reader(message);
  return reader.SkipValue() ? std::optional(reader.position()) : std::nullopt;
}

// A class "C" with `fields` fields named "f".
std::string ClassDefinition(int fields) {
  std::string hex = "43 0143 ";
  hex += "0123456789abcdef"[8 + fields / 16 + 1];
  hex += "0123456789abcdef"[fields % 16];
  for (int i = 0; i < fields; ++i) {
    hex += " 0166";
  }
  return hex + " ";
}

struct ValueRow {
  const char* what;
  std::string hex;
};

TEST(Hessian2, EveryKindOfValueIsSteppedOverExactly) {
  const ValueRow rows[] = {
      {"empty string", "00"},
      {"longest tiny string", "1f" + std::string(62, '6')},
      {"string of 256 characters", "3100" + std::string(512, '6')},
      {"string with a two-byte length", "530003 616263"},
      {"string in chunks of every form", "520001 61 520000 520002 6162 01 63"},
      {"string ending in a ten-bit chunk", "520001 61 3002 6263"},
      {"characters of two and three bytes", "03 c3a9 e4b896 41"},
      {"surrogate pair, two units in six bytes", "02 eda0bd edb880"},
      {"empty bytes", "20"},
      {"tiny bytes", "2f" + std::string(30, '0')},
      {"bytes with a ten-bit length", "3401 ff"},
      {"bytes with a two-byte length", "420002 dabb"},
      {"bytes in chunks", "410002 dabb 410001 00 21 ff"},
      {"null", "4e"},
      {"true", "54"},
      {"false", "46"},
      {"smallest one-byte int", "80"},
      {"two-byte int", "c8ff"},
      {"three-byte int", "d43a98"},
      {"five-byte int", "4980000000"},
      {"one-byte long", "d8"},
      {"two-byte long", "f823"},
      {"three-byte long", "3c0100"},
      {"five-byte long", "5980000000"},
      {"nine-byte long", "4c8000000000000000"},
      {"double 0.0", "5b"},
      {"double 1.0", "5c"},
      {"double in a byte", "5dff"},
      {"double in two bytes", "5e8000"},
      {"double in thousandths", "5f000009c4"},
      {"double in full", "44421bf08eb0000000"},
      {"date in milliseconds", "4a0000015d3ef79800"},
      {"date in minutes", "4b00e36915"},
      {"reference", "5190"},
      {"reference with a number larger than what is left", "51d43a98"},
      {"typed list to its end", "55 025b49 90 91 5a"},
      {"typed list with a reference to its type", "55 90 5a"},
      {"typed list with a length", "56 025b49 92 90 91"},
      {"list to its end", "57 90 4e 57 5a 5a"},
      {"list with a length", "58 92 90 58 90"},
      {"short typed list", "72 025b49 90 91"},
      {"short typed list, empty", "70 90"},
      {"short list", "7a 90 00"},
      {"short list, empty", "78"},
      {"map", "48 0161 90 0162 48 5a 5a"},
      {"empty map", "485a"},
      {"map with keys of other kinds", "48 90 7990 48 5a 57 5a 5a"},
      {"typed map", "4d 036f2e4d 0161 90 5a"},
      {"typed map with a reference to its type", "4d 90 5a"},
      {"object without fields", ClassDefinition(0) + "60"},
      {"object", ClassDefinition(2) + "60 90 0161"},
      {"object in its long form", ClassDefinition(2) + "4f90 90 0161"},
      {"objects of a class that is described inside the first",
       ClassDefinition(2) + "60 " + ClassDefinition(1) + "61 90 7a 61 91 60 4e 5190"},
      {"two class definitions in a row", ClassDefinition(1) + ClassDefinition(2) + "61 90 90"},
  };
  for (const ValueRow& row : rows) {
    SCOPED_TRACE(row.what);
    std::vector<uint8_t> value = FromHex(row.hex);
    test::GuardPage guard(value.size() + 1);
    EXPECT_EQ(SizeOf(guard.Place(value)), value.size());
    for (size_t bytes = 0; bytes < value.size(); ++bytes) {
      EXPECT_EQ(SizeOf(guard.Place(Bytes(value).first(bytes))), std::nullopt) << "the first " << bytes << " bytes";
    }
    value.push_back(0x5a);
    EXPECT_EQ(SizeOf(guard.Place(value)), value.size() - 1);
  }
}

TEST(Hessian2, WhatIsNoValueIsNotSteppedOver) {
  const ValueRow rows[] = {
      {"reserved type byte 40", "40"},
      {"reserved type byte 45", "45"},
      {"reserved type byte 47", "47"},
      {"reserved type byte 50", "50"},
      {"an end without a beginning", "5a"},
      {"a map that ends behind a key", "48 0161 5a"},
      {"a list that ends before its length", "58 92 90 5a"},
      {"a negative length", "58 8f"},
      {"a length that is no int", "58 e1 90"},
      {"a length that is a string", "58 0131 90"},
      {"a list longer than the message", "58 497fffffff 90"},
      {"an object of an unknown class", "60"},
      {"an object of a class that comes later", ClassDefinition(0) + "61"},
      {"an object with a negative class", "4f8f"},
      {"a class definition with nothing behind it", ClassDefinition(0)},
      {"a class with a negative number of fields", "43 0143 8f 60"},
      {"a class with more fields than bytes", "43 0143 497fffffff 0166"},
      {"a reference that is no int", "514e"},
      {"a negative reference", "518f"},
      {"a typed list with a null type", "70 4e"},
      {"a chunk that goes on with bytes", "520001 61 21 61"},
      {"a chunk that goes on with null", "520001 61 4e"},
      {"bytes that go on with a string", "410001 61 01 61"},
      {"a character that begins in its middle", "01 80"},
      {"a character of two bytes without its second", "02 c3 61 61"},
      {"a character of three bytes without its third", "02 e4b8 61 61"},
      {"a character of four bytes", "02 f09f9880"},
      {"a string longer than the message", "53ffff 61"},
  };
  for (const ValueRow& row : rows) {
    SCOPED_TRACE(row.what);
    const std::vector<uint8_t> value = FromHex(row.hex);
    test::GuardPage guard(value.size());
    EXPECT_EQ(SizeOf(guard.Place(value)), std::nullopt);
  }
}

struct IntegerRow {
  const char* hex;
  int64_t value;
};

// The examples of the Hessian 2.0 specification, and both ends of each form.
TEST(Hessian2, IntegersOfEveryFormHaveTheirValue) {
  const IntegerRow rows[] = {{"80", -16},
                             {"90", 0},
                             {"bf", 47},
                             {"c000", -2048},
                             {"c700", -256},
                             {"c7ff", -1},
                             {"c830", 48},
                             {"cfff", 2047},
                             {"d00000", -262144},
                             {"d43a98", 15000},
                             {"d7ffff", 262143},
                             {"4980000000", INT32_MIN},
                             {"497fffffff", INT32_MAX},
                             {"d8", -8},
                             {"e0", 0},
                             {"ef", 15},
                             {"f000", -2048},
                             {"f823", 35},
                             {"ffff", 2047},
                             {"380000", -262144},
                             {"3fffff", 262143},
                             {"5980000000", INT32_MIN},
                             {"597fffffff", INT32_MAX},
                             {"4c8000000000000000", INT64_MIN},
                             {"4c7fffffffffffffff", INT64_MAX}};
  for (const IntegerRow& row : rows) {
    const std::vector<uint8_t> bytes = FromHex(row.hex);
    Reader reader(bytes);
    EXPECT_TRUE(IsInteger(bytes[0])) << row.hex;
    EXPECT_EQ(reader.Integer(), row.value) << row.hex;
    EXPECT_EQ(reader.position(), bytes.size()) << row.hex;
    EXPECT_FALSE(reader.failed()) << row.hex;
  }
}

TEST(Hessian2, StringInOnePieceIsToldByItsPlaceInTheMessage) {
  const std::vector<uint8_t> bytes = FromHex("03 c3a9 e4b896 41 ff");
  Reader reader(bytes);
  const Text text = reader.String();
  EXPECT_EQ(text.form, Text::Form::kPlain);
  EXPECT_EQ(text.at, 1U);
  EXPECT_EQ(text.bytes, 6U);
}

TEST(Hessian2, ManyDefinitionsAndDeepNestingWorkUpToTheBound) {
  for (const size_t depth : {kMaxDepth, kMaxDepth + 1}) {
    const auto lists = test::Hessian2().Byte(0x57, depth).Byte(0x5a, depth);
    EXPECT_EQ(SizeOf(lists.bytes()).has_value(), depth <= kMaxDepth) << depth;
    const auto counted = test::Hessian2().Byte(0x79, depth).Byte(0x4e);
    EXPECT_EQ(SizeOf(counted.bytes()).has_value(), depth <= kMaxDepth) << depth;
  }
  for (const size_t classes : {kMaxClassDefinitions, kMaxClassDefinitions + 1}) {
    test::Hessian2 message;
    for (size_t i = 0; i < classes; ++i) {
      message.Raw(ClassDefinition(0));
    }
    message.Byte(0x60);
    EXPECT_EQ(SizeOf(message.bytes()).has_value(), classes <= kMaxClassDefinitions) << classes;
  }
}

TEST(Hessian2, NumberOfItemsIsBounded) {
  for (const uint32_t items : {kMaxItems - 1, kMaxItems}) {
    const auto list = test::Hessian2().Byte(0x57).Byte(0x90, items).Byte(0x5a);
    EXPECT_EQ(SizeOf(list.bytes()).has_value(), items < kMaxItems) << items;
  }
}

TEST(Hessian2, OnceFailedAReaderStaysFailed) {
  const std::vector<uint8_t> bytes = FromHex("40 90 90 4e");
  Reader reader(bytes);
  EXPECT_FALSE(reader.SkipValue());
  EXPECT_FALSE(reader.SkipValue());
  EXPECT_EQ(reader.Integer(), 0);
  EXPECT_FALSE(reader.TakeIf(0x90));
  EXPECT_EQ(reader.Peek(), std::nullopt);
  EXPECT_TRUE(reader.failed());
}

}  // namespace
}  // namespace rpctee::protocol::dubbo::hessian2
