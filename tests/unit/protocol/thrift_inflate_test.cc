#include "protocol/thrift/inflate.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

#include "support/guard_page.h"

namespace rpctee::protocol::thrift {
namespace {

using Buffer = std::vector<uint8_t>;

Buffer Packed(const Buffer& bytes, int level = Z_DEFAULT_COMPRESSION) {
  uLongf size = compressBound(static_cast<uLong>(bytes.size()));
  Buffer packed(size);
  EXPECT_EQ(compress2(packed.data(), &size, bytes.data(), static_cast<uLong>(bytes.size()), level), Z_OK);
  packed.resize(size);
  return packed;
}

Buffer Noise(size_t bytes, unsigned kinds) {
  std::mt19937 random(20880);
  Buffer noise(bytes);
  for (uint8_t& byte : noise) {
    byte = static_cast<uint8_t>(random() % kinds);
  }
  return noise;
}

TEST(Inflate, TheFirstBytesAreThoseThatWerePacked) {
  for (const size_t bytes : {1, 100, 1040, 1041, 100000}) {
    for (const unsigned kinds : {1U, 4U, 256U}) {
      for (const int level : {0, 1, 9}) {
        const Buffer original = Noise(bytes, kinds);
        Buffer out(1040);
        const Bytes prefix = InflatePrefix(Packed(original, level), out);
        ASSERT_EQ(prefix.size(), std::min(original.size(), out.size()));
        EXPECT_TRUE(std::equal(prefix.begin(), prefix.end(), original.begin()));
      }
    }
  }
}

TEST(Inflate, StreamCutAnywhereYieldsAPrefix) {
  const Buffer original = Noise(600, 20);
  const Buffer packed = Packed(original);
  test::GuardPage guard(packed.size());
  size_t longest = 0;
  for (size_t bytes = 0; bytes <= packed.size(); ++bytes) {
    Buffer out(1040);
    const Bytes prefix = InflatePrefix(guard.Place(Bytes(packed).first(bytes)), out);
    ASSERT_GE(prefix.size(), longest);
    ASSERT_TRUE(std::equal(prefix.begin(), prefix.end(), original.begin()));
    longest = prefix.size();
  }
  EXPECT_EQ(longest, original.size());
}

TEST(Inflate, MuchThatWasPackedIntoLittleDoesNotComeOut) {
  const Buffer bomb = Packed(Buffer(64 << 20));
  Buffer out(1040, 0xee);
  EXPECT_EQ(InflatePrefix(bomb, std::span(out).first(1000)).size(), 1000U);
  EXPECT_EQ(std::count(out.begin() + 1000, out.end(), 0xee), 40);
}

// So many empty blocks, and one that holds "a".
Buffer BehindEmptyBlocks(size_t blocks) {
  Buffer packed = {0x78, 0x01};
  for (size_t i = 0; i < blocks; ++i) {
    packed.insert(packed.end(), {0x00, 0x00, 0x00, 0xff, 0xff});
  }
  packed.insert(packed.end(), {0x01, 0x01, 0x00, 0xfe, 0xff, 'a'});
  return packed;
}

TEST(Inflate, EmptyBlocksWithoutEndAreGivenUp) {
  constexpr size_t kBlockBytes = 5;
  Buffer out(1040);
  EXPECT_EQ(InflatePrefix(BehindEmptyBlocks(100), out).size(), 1U);
  EXPECT_EQ(InflatePrefix(BehindEmptyBlocks(kMaxInflateInput / kBlockBytes - 2), out).size(), 1U);
  EXPECT_EQ(InflatePrefix(BehindEmptyBlocks(kMaxInflateInput / kBlockBytes), out).size(), 0U);
}

}  // namespace
}  // namespace rpctee::protocol::thrift
