#include "base/byte_reader.h"

#include <gtest/gtest.h>

#include <array>

#include "base/big_endian.h"

namespace rpctee {
namespace {

constexpr std::array<uint8_t, 8> kData = {0x01, 0x02, 0x83, 0x04, 0x05, 0x06, 0x07, 0xf8};

TEST(ByteReader, ReadsBigEndianNumbersOfEachWidth) {
  ByteReader reader(kData);
  EXPECT_EQ(reader.U8(), 0x01);
  EXPECT_EQ(reader.Be16(), 0x0283);
  EXPECT_EQ(reader.Be32(), 0x04050607u);
  EXPECT_EQ(reader.Peek(), 0xf8);
  EXPECT_EQ(reader.remaining(), 1u);
  EXPECT_FALSE(reader.failed());
  EXPECT_EQ(ByteReader(kData).Be64(), 0x01028304050607f8u);
}

TEST(ByteReader, EveryReadPastTheEndGivesZeroAndFails) {
  const Bytes seven = Bytes(kData).first(7);
  ByteReader wide(seven);
  EXPECT_EQ(wide.Be64(), 0u);
  EXPECT_TRUE(wide.failed());
  ByteReader empty{Bytes()};
  EXPECT_EQ(empty.Peek(), 0);
  EXPECT_TRUE(empty.failed());
  ByteReader huge(kData);
  EXPECT_TRUE(huge.Take(SIZE_MAX).empty());
  EXPECT_TRUE(huge.failed());
}

TEST(ByteReader, ReadingExactlyToTheEndIsNoFailure) {
  ByteReader reader(kData);
  EXPECT_EQ(reader.Take(8).size(), 8u);
  EXPECT_TRUE(reader.Take(0).empty());
  EXPECT_FALSE(reader.failed());
  EXPECT_EQ(reader.U8(), 0);
  EXPECT_TRUE(reader.failed());
}

TEST(ByteReader, ALoopOverWhatRemainsEndsAfterAFailedRead) {
  ByteReader reader(kData);
  int rounds = 0;
  while (reader.remaining() > 0 && rounds < 100) {
    reader.Skip(reader.U8() + size_t{100});
    ++rounds;
  }
  EXPECT_EQ(rounds, 1);
  EXPECT_TRUE(reader.failed());
}

TEST(ByteReader, AfterAFailureNothingIsReadAnyMore) {
  ByteReader reader(kData);
  reader.Skip(9);
  EXPECT_EQ(reader.U8(), 0);
  EXPECT_EQ(reader.Be16(), 0);
  EXPECT_TRUE(reader.Take(1).empty());
  EXPECT_EQ(reader.position(), 0u);
}

TEST(ByteReader, TextIsAViewOfTheSameBytes) {
  const std::array<uint8_t, 3> text = {'a', 0, 'b'};
  EXPECT_EQ(AsText(text), std::string_view("a\0b", 3));
}

TEST(WriteBe, FillsWhatItIsGivenWithTheLowBytes) {
  std::array<uint8_t, 8> bytes{};
  WriteBe(0x0102030405060708, bytes);
  EXPECT_EQ(bytes, (std::array<uint8_t, 8>{1, 2, 3, 4, 5, 6, 7, 8}));
  WriteBe(0x0a0b0c0d, std::span(bytes).subspan(2, 2));
  EXPECT_EQ(bytes, (std::array<uint8_t, 8>{1, 2, 0x0c, 0x0d, 5, 6, 7, 8}));
}

}  // namespace
}  // namespace rpctee
