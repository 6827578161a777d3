// The bad network itself: what it gives back, in which order, and that the draws are the seed's.
#include "shuffler.h"

#include <gmock/gmock.h>

#include <map>

namespace rpctee::shuffle {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

constexpr TimePoint kStart{};
constexpr Duration kLong = std::chrono::hours(1);

// An IPv4 header's addresses and a number; `forth`: the lower address is the source.
std::vector<uint8_t> Packet(uint32_t number, bool forth = true) {
  std::vector<uint8_t> packet(24);
  packet[0] = 0x45;
  packet[forth ? 19 : 15] = 1;
  for (size_t i = 0; i < 4; ++i) {
    packet[20 + i] = static_cast<uint8_t>(number >> (24 - 8 * i));
  }
  return packet;
}

uint32_t NumberOf(Bytes packet) {
  ByteReader reader(packet.subspan(20));
  return reader.Be32();
}

struct Sink {
  std::vector<uint32_t> numbers;
  Shuffler::OnPacket OnPacket() {
    return [this](Bytes packet) { numbers.push_back(NumberOf(packet)); };
  }
};

ShuffleOptions Only(double loss, double delay, double doubled) {
  return {.seed = 7,
          .loss_percent = loss,
          .delay_percent = delay,
          .double_percent = doubled,
          .max_behind = 3,
          .max_wait = kLong,
          .max_held = 4};
}

TEST(Shuffler, WithoutSharesEverythingPassesAsItCame) {
  Sink sink;
  Shuffler shuffler(Only(0, 0, 0), sink.OnPacket());
  for (uint32_t i = 0; i < 3; ++i) {
    shuffler.Take(Packet(i), kStart);
  }
  EXPECT_THAT(sink.numbers, ElementsAre(0, 1, 2));
  EXPECT_EQ(shuffler.NextRelease(), std::nullopt);
}

TEST(Shuffler, ALostPacketIsGone) {
  Sink sink;
  Shuffler shuffler(Only(100, 100, 100), sink.OnPacket());
  shuffler.Take(Packet(1), kStart);
  shuffler.Release(kStart + 2 * kLong);
  EXPECT_THAT(sink.numbers, SizeIs(0));
  EXPECT_EQ(shuffler.counts().lost, 1U);
}

TEST(Shuffler, ADoubledPacketComesTwice) {
  Sink sink;
  Shuffler shuffler(Only(0, 0, 100), sink.OnPacket());
  shuffler.Take(Packet(1), kStart);
  EXPECT_THAT(sink.numbers, ElementsAre(1, 1));
}

TEST(Shuffler, ADelayedPacketComesWhenItsTimeIsOver) {
  Sink sink;
  Shuffler shuffler(Only(0, 100, 0), sink.OnPacket());
  shuffler.Take(Packet(1), kStart);
  EXPECT_EQ(shuffler.NextRelease(), kStart + kLong);
  shuffler.Release(kStart + kLong - Duration(1));
  EXPECT_THAT(sink.numbers, SizeIs(0));
  shuffler.Release(kStart + kLong);
  EXPECT_THAT(sink.numbers, ElementsAre(1));
  EXPECT_EQ(shuffler.counts().overtaken, 0U);
}

TEST(Shuffler, WithoutRoomTheOldestGoes) {
  Sink sink;
  Shuffler shuffler(Only(0, 100, 0), sink.OnPacket());
  for (uint32_t i = 0; i < 6; ++i) {
    shuffler.Take(Packet(i), kStart);
  }
  EXPECT_THAT(sink.numbers, ElementsAre(0, 1));
  EXPECT_EQ(shuffler.counts().hurried, 2U);
  EXPECT_EQ(shuffler.held(), 4U);
}

TEST(Shuffler, OnlyPacketsOfItsDirectionOvertakeADelayedOne) {
  Sink sink;
  Shuffler shuffler({.seed = 1, .loss_percent = 0, .delay_percent = 10, .double_percent = 0, .max_wait = kLong},
                    sink.OnPacket());
  uint32_t number = 0;
  while (shuffler.held() == 0) {
    shuffler.Take(Packet(number++, true), kStart);
  }
  const uint32_t delayed = number - 1;
  // Those of the other direction may be delayed themselves; they don't count.
  for (uint32_t i = 0; i < 100; ++i) {
    shuffler.Take(Packet(1'000 + i, false), kStart);
  }
  EXPECT_THAT(sink.numbers, ::testing::Not(::testing::Contains(delayed)));
  size_t passed = 0;
  while (std::find(sink.numbers.begin(), sink.numbers.end(), delayed) == sink.numbers.end()) {
    ASSERT_LT(++passed, 100U);
    shuffler.Take(Packet(2'000 + static_cast<uint32_t>(passed), true), kStart);
  }
  EXPECT_GE(shuffler.counts().overtaken, 1U);
}

// Over many packets: nothing is invented, what was not lost comes once or, doubled, twice, and no packet is overtaken
// by more than it may.
TEST(Shuffler, SharesAreAsToldAndNothingIsInvented) {
  constexpr uint32_t kPackets = 100'000;
  Sink sink;
  const ShuffleOptions options{
      .seed = 3, .loss_percent = 2, .delay_percent = 5, .double_percent = 1, .max_wait = kLong};
  Shuffler shuffler(options, sink.OnPacket());
  for (uint32_t i = 0; i < kPackets; ++i) {
    shuffler.Take(Packet(i), kStart);
  }
  shuffler.Release(kStart + kLong);
  const ShuffleCounts& counts = shuffler.counts();
  EXPECT_EQ(sink.numbers.size(), kPackets - counts.lost + counts.doubled);
  std::map<uint32_t, uint32_t> times;
  for (const uint32_t number : sink.numbers) {
    ++times[number];
  }
  EXPECT_EQ(times.size(), kPackets - counts.lost);
  EXPECT_EQ(std::count_if(times.begin(), times.end(), [](const auto& entry) { return entry.second == 2; }),
            static_cast<std::ptrdiff_t>(counts.doubled));
  // Six standard deviations, and the seed is fixed.
  EXPECT_NEAR(static_cast<double>(counts.lost), kPackets * 0.02, 270);
  EXPECT_NEAR(static_cast<double>(counts.delayed), kPackets * 0.98 * 0.05, 420);
  EXPECT_NEAR(static_cast<double>(counts.doubled), kPackets * 0.98 * 0.01, 190);
  EXPECT_GT(counts.overtaken, counts.delayed * 9 / 10);
}

TEST(Shuffler, TheSameSeedDoesTheSame) {
  std::vector<std::vector<uint32_t>> runs;
  for (const uint64_t seed : {uint64_t{5}, uint64_t{5}, uint64_t{6}}) {
    Sink sink;
    Shuffler shuffler({.seed = seed, .max_wait = kLong}, sink.OnPacket());
    for (uint32_t i = 0; i < 1'000; ++i) {
      shuffler.Take(Packet(i), kStart);
    }
    runs.push_back(sink.numbers);
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_NE(runs[0], runs[2]);
}

}  // namespace
}  // namespace rpctee::shuffle
