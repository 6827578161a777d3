#include "base/fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace rpctee {
namespace {

bool IsOpen(int fd) { return fcntl(fd, F_GETFD) >= 0; }
int OpenOne() { return open("/dev/null", O_RDONLY | O_CLOEXEC); }

TEST(Fd, ClosesWithItsOwner) {
  int raw = -1;
  {
    const Fd fd(OpenOne());
    raw = fd.get();
    EXPECT_TRUE(IsOpen(raw));
  }
  EXPECT_FALSE(IsOpen(raw));
}

TEST(Fd, MovingPassesTheOwnershipOn) {
  Fd first(OpenOne());
  const int raw = first.get();
  Fd second(std::move(first));
  EXPECT_EQ(second.get(), raw);
  Fd third(OpenOne());
  const int replaced = third.get();
  third = std::move(second);
  EXPECT_FALSE(IsOpen(replaced));
  EXPECT_TRUE(IsOpen(raw));
}

TEST(Fd, ReleaseLeavesTheDescriptorOpen) {
  Fd fd(OpenOne());
  const int raw = fd.release();
  EXPECT_FALSE(fd.valid());
  fd.Reset();
  EXPECT_TRUE(IsOpen(raw));
  close(raw);
}

}  // namespace
}  // namespace rpctee
