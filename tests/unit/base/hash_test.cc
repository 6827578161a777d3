#include "base/hash.h"

#include <gtest/gtest.h>

namespace rpctee {
namespace {

uint64_t Fnv1aOf(std::string_view text) {
  Fnv1a hash;
  hash.Add(text);
  return hash.value();
}

TEST(Hash, Fnv1aGivesWhatItsAuthorsPublished) {
  EXPECT_EQ(Fnv1aOf(""), 0xcbf29ce484222325);
  EXPECT_EQ(Fnv1aOf("a"), 0xaf63dc4c8601ec8c);
  EXPECT_EQ(Fnv1aOf("foobar"), 0x85944171f73967e8);
  EXPECT_EQ(Fnv1aOf("\x80"), (0xcbf29ce484222325 ^ 0x80) * 0x100000001b3) << "characters are not signed";
  const uint8_t bytes[] = {0x80, 'a'};
  Fnv1a hash;
  hash.Add(Bytes(bytes));
  EXPECT_EQ(hash.value(), Fnv1aOf("\x80\x61"));
}

// With the seed 0 these are the first two numbers of SplitMix64.
TEST(Hash, MixIsTheLastStepOfSplitMix64) {
  EXPECT_EQ(Mix(0x9e3779b97f4a7c15), 0xe220a8397b1dcdaf);
  EXPECT_EQ(Mix(2 * 0x9e3779b97f4a7c15), 0x6e789e6aa1b965f4);
  EXPECT_EQ(Mix(0), 0U);
}

}  // namespace
}  // namespace rpctee
