#include "protocol/dubbo/descriptor.h"

#include <gtest/gtest.h>

namespace rpctee::protocol::dubbo {
namespace {

TEST(DubboDescriptor, CountsPrimitivesObjectsAndArraysAsOneEach) {
  EXPECT_EQ(CountArguments(""), 0U);
  EXPECT_EQ(CountArguments("IJ"), 2U);
  EXPECT_EQ(CountArguments("BCDFIJSZ"), 8U);
  EXPECT_EQ(CountArguments("Lorg/example/User;Ljava/util/List;Ljava/util/Map;"), 3U);
  EXPECT_EQ(CountArguments("[D"), 1U);
  EXPECT_EQ(CountArguments("[[D[[[Lorg/example/User;I"), 3U);
  EXPECT_EQ(CountArguments("Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;"), 3U);
}

TEST(DubboDescriptor, AnythingElseIsNotCounted) {
  for (const char* descriptor : {"[", "I[", "L", "Ljava/lang/String", "V", "IX", ";", "Ljava/lang/String;;", "i"}) {
    EXPECT_EQ(CountArguments(descriptor), std::nullopt) << descriptor;
  }
}

}  // namespace
}  // namespace rpctee::protocol::dubbo
