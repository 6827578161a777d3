#include "mirror/send_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "base/clock.h"

namespace rpctee::mirror {
namespace {

std::vector<uint8_t> Copy(const SendBuffer& buffer) { return {buffer.unsent().begin(), buffer.unsent().end()}; }

TEST(SendBuffer, BehavesLikeAByteQueueUnderRandomUseAndStaysBounded) {
  std::mt19937 random(2);
  SendBuffer buffer;
  std::vector<uint8_t> model;
  uint64_t appended = 0;
  size_t most = 4096;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 2 == 0 && model.size() < 60'000) {
      std::vector<uint8_t> bytes(random() % 3000);
      std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<uint8_t>(random()); });
      const auto copy = buffer.Append(bytes);
      ASSERT_TRUE(std::equal(copy.begin(), copy.end(), bytes.begin(), bytes.end()));
      model.insert(model.end(), bytes.begin(), bytes.end());
      appended += bytes.size();
    } else if (random() % 8 == 0 && model.size() > 10) {
      const size_t from = random() % (model.size() / 2);
      const size_t to = from + random() % (model.size() - from);
      buffer.Cut(from, to);
      model.erase(model.begin() + static_cast<std::ptrdiff_t>(from), model.begin() + static_cast<std::ptrdiff_t>(to));
    } else {
      const size_t count = random() % (model.size() + 1);
      buffer.Consume(count);
      model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(count));
    }
    most = std::max(most, model.size());
    ASSERT_EQ(Copy(buffer), model);
    ASSERT_EQ(buffer.appended(), appended);
    ASSERT_LE(buffer.capacity(), 2 * most);
  }
}

TEST(SendBuffer, ReusesItsStorageWhileItIsSmall) {
  SendBuffer buffer;
  const std::vector<uint8_t> bytes(1000, 1);
  buffer.Append(bytes);
  const size_t capacity = buffer.capacity();
  for (int i = 0; i < 10'000; ++i) {
    buffer.Append(bytes);
    buffer.Consume(1000);
  }
  EXPECT_LE(buffer.capacity(), capacity);
}

TEST(SendBuffer, GivesLargeStorageBackWhenEmpty) {
  SendBuffer buffer;
  buffer.Append(std::vector<uint8_t>(3 << 20, 1));
  buffer.Consume(3 << 20);
  EXPECT_EQ(buffer.size(), 0U);
  EXPECT_LE(buffer.capacity(), SendBuffer::kKeepBytes);
}

// With nearly full storage, a buffer that moves what it holds for each small send would take minutes here.
TEST(SendBuffer, ALongQueueThatMovesInSmallStepsIsNotMovedEachTime) {
  SendBuffer buffer;
  buffer.Append(std::vector<uint8_t>(4 << 20, 1));
  const std::vector<uint8_t> small(64, 2);
  while (buffer.size() < (8 << 20) - 128) {
    buffer.Append(small);
  }
  const size_t held = buffer.size();
  const TimePoint begin = Clock::now();
  for (int i = 0; i < 500'000; ++i) {
    buffer.Append(small);
    buffer.Consume(64);
  }
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(5));
  EXPECT_EQ(buffer.size(), held);
  EXPECT_LE(buffer.capacity(), 2 * (held + 64));
}

}  // namespace
}  // namespace rpctee::mirror
