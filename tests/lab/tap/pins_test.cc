// The pin directory: who may have it, what is in it, what stays when it is given up.
#include "tap/pins.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "lab/tap/namespace_lab.h"
#include "tap/tap.h"

namespace rpctee::tap {
namespace {

using ::testing::HasSubstr;

class PinsLab : public test::NamespaceLab {
 protected:
  std::string directory() const { return bpffs() + "/rpctee"; }
  TapOptions Options() const { return {.pin_directory = directory(), .ring_bytes = 4'096}; }
  static bool Exists(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0;
  }
  std::string List() { return Run("ls " + directory() + " | tr '\\n' ' '"); }
  static std::string MapId(const std::string& path) { return Run("bpftool -j map show pinned " + path + " | jq .id"); }
};

TEST_F(PinsLab, EverythingHasItsNameWhileTheTapLivesAndNothingStays) {
  auto tap = Tap::Open(Options());
  ASSERT_TRUE(tap) << tap.error().message;
  EXPECT_EQ(List(), "control counters endpoints flows handback own ports program ring0 syns workers ");
  EXPECT_EQ(Run("stat -c %a " + directory()), "700\n");
  tap->reset();
  EXPECT_FALSE(Exists(directory()));
}

TEST_F(PinsLab, ASecondAgentIsRefusedAndTheFirstKeepsItsPins) {
  auto first = Tap::Open(Options());
  ASSERT_TRUE(first) << first.error().message;
  const std::string id = MapId(directory() + "/endpoints");
  const auto second = Tap::Open(Options());
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("another rpctee agent uses it"));
  EXPECT_THAT(second.error().message, HasSubstr(directory()));
  EXPECT_EQ(MapId(directory() + "/endpoints"), id);
}

TEST_F(PinsLab, WhatACrashLeftIsReplaced) {
  const int status = RunAndDie([this] { return Tap::Open(Options()).value().release() != nullptr ? 9 : 1; });
  ASSERT_EQ(status, 9);
  ASSERT_TRUE(Exists(directory() + "/endpoints"));
  const std::string old_id = MapId(directory() + "/endpoints");
  auto tap = Tap::Open(Options());
  ASSERT_TRUE(tap) << tap.error().message;
  EXPECT_NE(MapId(directory() + "/endpoints"), old_id);
  tap->reset();
  EXPECT_FALSE(Exists(directory()));
}

TEST_F(PinsLab, FilesOfOthersStay) {
  Run("mkdir -m 700 " + directory());
  Run("bpftool map create " + directory() + "/foreign type array key 4 value 4 entries 1 name foreign");
  auto tap = Tap::Open(Options());
  ASSERT_TRUE(tap) << tap.error().message;
  tap->reset();
  EXPECT_EQ(List(), "foreign ");
}

TEST_F(PinsLab, ADirectoryOutsideABpffsIsRefusedWithTheRemedy) {
  const auto tap = Tap::Open({.pin_directory = "/tmp/rpctee-no-bpffs", .ring_bytes = 4'096});
  ASSERT_FALSE(tap);
  EXPECT_THAT(tap.error().message, HasSubstr("mount -t bpf bpf /sys/fs/bpf"));
  EXPECT_FALSE(Exists("/tmp/rpctee-no-bpffs"));
}

TEST_F(PinsLab, ADirectoryThatOthersMayEnterIsRefused) {
  Run("mkdir -m 755 " + directory());
  const auto tap = Tap::Open(Options());
  ASSERT_FALSE(tap);
  EXPECT_THAT(tap.error().message, HasSubstr("open to them"));
}

TEST_F(PinsLab, ARelativeOrMissingPathIsRefused) {
  EXPECT_FALSE(Pins::Claim("rpctee"));
  EXPECT_FALSE(Pins::Claim("/"));
  EXPECT_FALSE(Pins::Claim(bpffs() + "/not-there/rpctee"));
}

TEST_F(PinsLab, ATrailingSlashNamesTheSameDirectory) {
  const auto first = Pins::Claim(directory() + "/");
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_FALSE(Pins::Claim(directory()));
}

}  // namespace
}  // namespace rpctee::tap
