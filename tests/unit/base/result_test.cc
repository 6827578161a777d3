#include "base/result.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace rpctee {
namespace {

TEST(Result, ContextStandsBeforeTheMessage) {
  const Status status = WithContext("routes.yaml", Error{"no such cluster"});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message, "routes.yaml: no such cluster");
}

TEST(Result, ErrnoIsSpeltOut) {
  const Result<int> result = FailErrno("open /x", ENOENT);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().message, "open /x: No such file or directory");
}

}  // namespace
}  // namespace rpctee
