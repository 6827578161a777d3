#include "control/route_watch.h"

#include <filesystem>

#include "unit/control/test_files.h"

namespace rpctee::control {
namespace {

class RouteWatch : public ::testing::Test {
 protected:
  TestDirectory directory_;
};

TEST_F(RouteWatch, NothingChangesByItself) {
  directory_.Write("a.yaml", "1");
  RouteFileWatch watch({directory_.Path("*.yaml"), directory_.Path("none"), "-"});
  EXPECT_FALSE(watch.Changed());
  EXPECT_FALSE(watch.Changed());
}

TEST_F(RouteWatch, WritingAddingRemovingAndReplacingAreChangesOnce) {
  directory_.Write("a.yaml", "1");
  RouteFileWatch watch({directory_.Path("*.yaml")});
  directory_.Write("a.yaml", "12");
  EXPECT_TRUE(watch.Changed());
  EXPECT_FALSE(watch.Changed());
  directory_.Write("b.yaml", "");
  EXPECT_TRUE(watch.Changed());
  std::filesystem::remove(directory_.Path("b.yaml"));
  EXPECT_TRUE(watch.Changed());
  const auto time = std::filesystem::last_write_time(directory_.Path("a.yaml"));
  directory_.Write("new", "34");
  std::filesystem::last_write_time(directory_.Path("new"), time);
  std::filesystem::rename(directory_.Path("new"), directory_.Path("a.yaml"));
  EXPECT_TRUE(watch.Changed()) << "same size, same time, another file";
  EXPECT_FALSE(watch.Changed());
}

TEST_F(RouteWatch, PlainPathThatAppearsIsAChange) {
  RouteFileWatch watch({directory_.Path("a.yaml")});
  directory_.Write("a.yaml", "");
  EXPECT_TRUE(watch.Changed());
}

TEST_F(RouteWatch, SwappedLinkOfAMountedConfigMapIsAChange) {
  std::filesystem::create_directories(directory_.Path("v1"));
  std::filesystem::create_directories(directory_.Path("v2"));
  directory_.Write("v1/r.yaml", "x");
  directory_.Write("v2/r.yaml", "y");
  std::filesystem::last_write_time(directory_.Path("v2/r.yaml"),
                                   std::filesystem::last_write_time(directory_.Path("v1/r.yaml")));
  std::filesystem::create_symlink("v1", directory_.Path("data"));
  RouteFileWatch watch({directory_.Path("data/*.yaml")});
  std::filesystem::create_symlink("v2", directory_.Path("data.new"));
  std::filesystem::rename(directory_.Path("data.new"), directory_.Path("data"));
  EXPECT_TRUE(watch.Changed());
}

}  // namespace
}  // namespace rpctee::control
