#include "agent/field_hash.h"

#include <gtest/gtest.h>

#include "unit/route/fake_request.h"

namespace rpctee::agent {
namespace {

uint64_t Hash(const std::vector<std::string>& names, const std::map<std::string, std::string>& fields) {
  route::FakeRequest request(fields);
  return HashOfFields(names, request);
}

TEST(FieldHash, IsTheSameForTheSameValuesAndElseNot) {
  EXPECT_EQ(Hash({"user"}, {{"user", "7"}}), Hash({"user"}, {{"user", "7"}, {"other", "1"}}));
  EXPECT_NE(Hash({"user"}, {{"user", "7"}}), Hash({"user"}, {{"user", "8"}}));
  EXPECT_NE(Hash({"a", "b"}, {{"a", "xy"}, {"b", ""}}), Hash({"a", "b"}, {{"a", "x"}, {"b", "y"}}));
  EXPECT_NE(Hash({"a", "b"}, {{"a", "x"}}), Hash({"a", "b"}, {{"b", "x"}}));
}

// Else, while some agents of a cluster are new and others old, the copies of one user go to two endpoints.
TEST(FieldHash, StaysWhatItIsFromVersionToVersion) {
  EXPECT_EQ(Hash({"user"}, {{"user", "7"}}), 0x07f0c907b4b2946b);
  EXPECT_EQ(Hash({"user", "b"}, {{"user", "7"}, {"b", "\xff\x80"}}), 0x3edc77e545b0f8f1);
  EXPECT_EQ(Hash({"x", "b"}, {{"b", "\xff\x80"}}), 0x9f926e0f0936c4f2);
}

TEST(FieldHash, IsZeroOnlyWithoutAnyOfTheFields) {
  EXPECT_EQ(Hash({}, {{"user", "7"}}), 0U);
  EXPECT_EQ(Hash({"user"}, {}), 0U);
  EXPECT_NE(Hash({"user"}, {{"user", ""}}), 0U);
}

}  // namespace
}  // namespace rpctee::agent
