#include "stream/ordered_bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>
#include <random>

namespace rpctee::stream {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using ByteVector = std::vector<uint8_t>;

class OrderedBytesTest : public testing::Test {
 protected:
  OrderedBytes& order(uint32_t seq = 1000) {
    if (!order_) {
      order_.emplace(memory_, seq);
    }
    return *order_;
  }
  // What came out in order.
  ByteVector Take(uint32_t seq, Bytes bytes) {
    const std::optional<Bytes> now = order(seq).Take(seq, bytes);
    EXPECT_TRUE(now.has_value());
    ByteVector out(now->begin(), now->end());
    const ByteVector later = Rest();
    out.insert(out.end(), later.begin(), later.end());
    return out;
  }
  ByteVector Rest() {
    ByteVector out;
    while (const std::optional<OrderedBytes::Piece> piece = order().Next()) {
      out.insert(out.end(), piece->bytes().begin(), piece->bytes().end());
    }
    return out;
  }

  MemoryBudget memory_{1'000'000};
  std::optional<OrderedBytes> order_;
};

TEST_F(OrderedBytesTest, WhatIsInOrderIsPassedOnWhereItStands) {
  const ByteVector bytes = {1, 2, 3};
  order().StartAt(1000);
  const std::optional<Bytes> out = order().Take(1000, bytes);
  ASSERT_TRUE(out.has_value());
  EXPECT_EQ(out->data(), bytes.data());
  EXPECT_EQ(order().next_seq(), 1003U);
  EXPECT_EQ(memory_.used_bytes(), 0U);
}

TEST_F(OrderedBytesTest, WhatStandsBehindAHoleWaitsForIt) {
  order().StartAt(1000);
  EXPECT_THAT(Take(1002, ByteVector{3, 4}), IsEmpty());
  EXPECT_TRUE(order().has_hole());
  EXPECT_GT(memory_.used_bytes(), 2U);
  EXPECT_THAT(Take(1000, ByteVector{1, 2}), ElementsAre(1, 2, 3, 4));
  EXPECT_FALSE(order().has_hole());
  EXPECT_EQ(memory_.used_bytes(), 0U);
}

TEST_F(OrderedBytesTest, EverythingWaitsUntilTheStartIsKnown) {
  EXPECT_THAT(Take(1002, ByteVector{3, 4}), IsEmpty());
  EXPECT_THAT(Take(998, ByteVector{8, 9}), IsEmpty());
  EXPECT_THAT(Take(1000, ByteVector{1, 2}), IsEmpty());
  order().StartAt(1001);
  EXPECT_THAT(Rest(), ElementsAre(2, 3, 4));
  EXPECT_EQ(memory_.used_bytes(), 0U);
}

TEST_F(OrderedBytesTest, APauseMakesEverythingWaitAgain) {
  order().StartAt(1000);
  EXPECT_THAT(Take(1001, ByteVector{2}), IsEmpty());
  order().Pause();
  EXPECT_THAT(Take(1000, ByteVector{1}), IsEmpty());
  order().StartAt(1001);
  EXPECT_THAT(Rest(), ElementsAre(2));
}

TEST_F(OrderedBytesTest, TheFirstCopyOfAByteWins) {
  order().StartAt(1000);
  EXPECT_THAT(Take(1002, ByteVector{30, 40}), IsEmpty());
  EXPECT_THAT(Take(1006, ByteVector{70}), IsEmpty());
  EXPECT_THAT(Take(1001, ByteVector{21, 31, 41, 51, 61, 71, 81}), IsEmpty());
  EXPECT_THAT(Take(1000, ByteVector{12, 22, 32, 42, 52, 62, 72, 82, 92}),
              ElementsAre(12, 21, 30, 40, 51, 61, 70, 81, 92));
  EXPECT_THAT(Take(1000, ByteVector{9, 9, 9}), IsEmpty());
}

TEST_F(OrderedBytesTest, NoRoomIsSaidAndWhatIsHeldIsGivenBackInTheEnd) {
  order().StartAt(1000);
  EXPECT_THAT(Take(2000, ByteVector(999'000)), IsEmpty());
  EXPECT_FALSE(order().Take(1'500'000, ByteVector(2'000)).has_value());
  order_.reset();
  EXPECT_EQ(memory_.used_bytes(), 0U);
}

TEST_F(OrderedBytesTest, ManyTinyPiecesCostWhatTheyReallyCost) {
  order().StartAt(1000);
  uint32_t taken = 0;
  while (order().Take(2000 + 2 * taken, ByteVector{1}).has_value()) {
    ++taken;
  }
  EXPECT_LT(taken, 11'000U);
  EXPECT_LE(memory_.used_bytes(), 1'000'000U);
}

// Each piece is a bit out of order, so that the arithmetic of holes is used all the way.
TEST_F(OrderedBytesTest, FiveGibibytesAndThreeWrapsLaterAllIsStillInOrder) {
  constexpr uint64_t kTotal = uint64_t{5} << 30;
  constexpr uint32_t kStep = 64U << 20;
  const ByteVector zeros(kStep);
  uint32_t seq = 0xfffffff0U;
  order(seq).StartAt(seq);
  uint64_t out = 0;
  uint64_t in = 0;
  while (in < kTotal) {
    // The last two bytes first, then the rest of the piece.
    const std::optional<Bytes> waits = order().Take(seq + kStep - 2, Bytes(zeros).first(2));
    ASSERT_TRUE(waits.has_value() && waits->empty());
    const std::optional<Bytes> now = order().Take(seq, Bytes(zeros).first(kStep - 2));
    ASSERT_TRUE(now.has_value());
    out += now->size() + Rest().size();
    in += kStep;
    seq += kStep;
    ASSERT_EQ(out, in);
    ASSERT_EQ(order().next_seq(), seq);
  }
  EXPECT_FALSE(order().has_hole());
}

TEST_F(OrderedBytesTest, AnyOrderOfAnyPiecesGivesTheStream) {
  ByteVector stream(500);
  std::iota(stream.begin(), stream.end(), uint8_t{0});
  for (uint32_t seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    const auto first = static_cast<uint32_t>(random());
    order_.reset();
    order(first).StartAt(first);
    ByteVector out;
    while (out.size() < stream.size()) {
      const uint32_t from = static_cast<uint32_t>(random() % stream.size());
      const size_t bytes = std::min<size_t>(stream.size() - from, random() % 60);
      const ByteVector now = Take(first + from, Bytes(stream).subspan(from, bytes));
      out.insert(out.end(), now.begin(), now.end());
    }
    ASSERT_EQ(out, stream) << "seed " << seed;
    ASSERT_EQ(memory_.used_bytes(), 0U) << "seed " << seed;
  }
}

}  // namespace
}  // namespace rpctee::stream
