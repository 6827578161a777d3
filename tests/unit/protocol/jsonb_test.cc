#include "protocol/dubbo/jsonb.h"

#include <gtest/gtest.h>

#include "support/guard_page.h"
#include "unit/protocol/vectors.h"

namespace rpctee::protocol::dubbo::jsonb {
namespace {

using test::FromHex;

// Bytes that one value takes; nothing when it can't be stepped over.
std::optional<size_t> SizeOf(Bytes object) {
  Reader reader(object);
  return reader.SkipValue() ? std::optional(reader.position()) : std::nullopt;
}

struct ValueRow {
  const char* what;
  std::string hex;
};

// As fastjson2 2.0.52 wrote them (data/dubbo3216/fastjson2_kinds.hex), and as its documents describe them.
const std::vector<ValueRow>& ValueRows() {
  static const std::vector<ValueRow> rows = {
      {"null", "af"},
      {"true", "b1"},
      {"double 1", "b3"},
      {"double without fraction", "b4 e7"},
      {"double", "b5 54b249ad2594c37d"},
      {"float without fraction", "b6 05"},
      {"float", "b7 3e800000"},
      {"byte", "bd ff"},
      {"short", "bc 012c"},
      {"smallest int of one byte", "f0"},
      {"largest int of one byte", "2f"},
      {"int of two bytes", "3f d0"},
      {"int of three bytes", "40 0000"},
      {"int", "48 40000000"},
      {"long of one byte", "e5"},
      {"long of two bytes", "c8 30"},
      {"long of three bytes", "c7 0d40"},
      {"long of five bytes", "bf 80000000"},
      {"long", "be 8000000000000000"},
      {"BigInteger as a long", "ba ea"},
      {"BigInteger", "bb 09 400000000000000000"},
      {"BigDecimal as a long", "b8 e1"},
      {"BigDecimal with an int", "b9 02 3cd2"},
      {"BigDecimal with a BigInteger", "b9 03 bb 09 400000000000000000"},
      {"BigDecimal with a BigInteger as a long", "b9 03 ba be 8000000000000000"},
      {"char", "90 3863"},
      {"empty string", "49"},
      {"longest short string", "78" + std::string(94, '6')},
      {"string with a length", "79 3830" + std::string(96, '6')},
      {"string in UTF-8", "7a 03 e4b896"},
      {"string in UTF-16", "7b 04 feff 4e16"},
      {"string in UTF-16 little endian", "7c 02 164e"},
      {"string in UTF-16 big endian", "7d 02 4e16"},
      {"string in GB 18030", "7e 02 cac0"},
      {"name with a number", "7f 4a61 05"},
      {"number of a name", "7f 05"},
      {"bytes", "91 05 0000000000"},
      {"empty array", "94"},
      {"array of 15 values", "a3 000000000000000000000000000000"},
      {"array with a length", "a4 10 afafafafafafafafafafafafafafafaf"},
      {"arrays in each other", "95 95 96 01 02"},
      {"empty object", "a6 a5"},
      {"object with names of every kind", "a6 4a61 01 7f 4a62 00 02 7f 00 03 01 02 a5"},
      {"object in an object", "a6 4a61 a6 4a62 a6a5 a5 a5"},
      {"class and value", "92 4b5b42 00 91 00"},
      {"class with a number given before", "92 06 a6 a5"},
      {"class with a symbol", "92 7f 4a61 06 a6 a5"},
      {"reference", "93 4b2e2e"},
      {"instant", "ae e5 06"},
      {"local date and time", "a8 07e8021d173b3a 48075bcd15"},
      {"local date", "a9 07e8021d"},
      {"local time", "a7 173b3a 48075bcd15"},
      {"time with a zone", "aa 07e8021d173b3a 48075bcd15 4c455354"},
      {"minutes", "ad 00000001"},
      {"seconds", "ac 0000003c"},
      {"milliseconds", "ab 000000000000ee49"},
  };
  return rows;
}

TEST(Jsonb, EveryKindOfValueIsSteppedOverExactly) {
  for (const ValueRow& row : ValueRows()) {
    const std::vector<uint8_t> value = FromHex(row.hex);
    EXPECT_EQ(SizeOf(value), value.size()) << row.what;
    std::vector<uint8_t> followed = value;
    followed.insert(followed.end(), 20, 0x5a);
    EXPECT_EQ(SizeOf(followed), value.size()) << row.what << ", more behind";
  }
}

TEST(Jsonb, NoPartOfAValueIsAValue) {
  for (const ValueRow& row : ValueRows()) {
    const std::vector<uint8_t> value = FromHex(row.hex);
    test::GuardPage guard(value.size());
    for (size_t bytes = 0; bytes < value.size(); ++bytes) {
      EXPECT_EQ(SizeOf(guard.Place(Bytes(value).first(bytes))), std::nullopt) << row.what << ", " << bytes << " bytes";
    }
  }
}

TEST(Jsonb, WhatNoValueBeginsWithIsRefused) {
  for (const char* hex : {"a5", "93 af", "92 af 00", "a6 a5 a5 a5"}) {
    EXPECT_NE(SizeOf(FromHex(hex)), FromHex(hex).size()) << hex;
  }
}

TEST(Jsonb, LengthsThatAreNegativeOrNoIntegersAreRefused) {
  for (const char* hex : {"79 ff", "79 af", "91 f0", "a4 ff", "bb ff", "79 48ffffffff", "79 be0000000100000001"}) {
    EXPECT_EQ(SizeOf(FromHex(std::string(hex) + "0000000000")), std::nullopt) << hex;
  }
}

struct IntegerRow {
  const char* hex;
  int64_t value;
};

TEST(Jsonb, IntegersOfEveryWidthAreRead) {
  const IntegerRow rows[] = {
      {"00", 0},
      {"2f", 47},
      {"f0", -16},
      {"ff", -1},
      {"38 30", 48},
      {"30 00", -2048},
      {"3f ff", 2047},
      {"44 3a98", 15000},
      {"40 0000", -262144},
      {"47 ffff", 262143},
      {"48 80000000", INT32_MIN},
      {"48 7fffffff", INT32_MAX},
      {"e0", 0},
      {"d8", -8},
      {"ef", 15},
      {"d0 10", 16},
      {"c8 00", -2048},
      {"c4 0800", 2048},
      {"c0 0000", -262144},
      {"bf 80000000", INT32_MIN},
      {"be 8000000000000000", INT64_MIN},
      {"be fffffffed5fa0e00", -5000000000},
      {"bc fff9", -7},
      {"bd 64", 100},
      {"bd 80", -128},
  };
  for (const IntegerRow& row : rows) {
    const std::vector<uint8_t> bytes = FromHex(row.hex);
    Reader reader(bytes);
    EXPECT_EQ(reader.Integer(), row.value) << row.hex;
    EXPECT_TRUE(reader.AtEnd()) << row.hex;
  }
}

TEST(Jsonb, DepthIsBounded) {
  const auto nested = [](size_t depth) {
    std::vector<uint8_t> bytes(depth, 0x95);
    bytes.push_back(0x00);
    return bytes;
  };
  EXPECT_EQ(SizeOf(nested(kMaxDepth)), kMaxDepth + 1);
  EXPECT_EQ(SizeOf(nested(kMaxDepth + 1)), std::nullopt);
  EXPECT_EQ(SizeOf(nested(8'000'000)), std::nullopt);
  EXPECT_EQ(SizeOf(std::vector<uint8_t>(8'000'000, 0xa6)), std::nullopt);
}

TEST(Jsonb, NumberOfValuesIsBounded) {
  const auto array = [](uint32_t values) {
    std::vector<uint8_t> bytes = {0xa4, 0x48};
    for (int shift = 24; shift >= 0; shift -= 8) {
      bytes.push_back(static_cast<uint8_t>(values >> shift));
    }
    bytes.insert(bytes.end(), values, 0x00);
    return bytes;
  };
  EXPECT_TRUE(SizeOf(array(kMaxItems - 1)).has_value());
  EXPECT_EQ(SizeOf(array(kMaxItems)), std::nullopt);
}

}  // namespace
}  // namespace rpctee::protocol::dubbo::jsonb
