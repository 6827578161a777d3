#include "agent/condition.h"

#include <gtest/gtest.h>

namespace rpctee::agent {
namespace {

TEST(Condition, SaysNothingWhenNothingHappened) { EXPECT_EQ(Condition{}.ToText(), ""); }

TEST(Condition, TellsWhatOthersDidAndHowItIsNow) {
  const Condition condition{.taps_removed = 3,
                            .taps_put_back = 2,
                            .missing = {"vethv1 egress"},
                            .behind = {"eth0 x"},
                            .silent = {SocketAddress::Parse("10.44.0.11:20880").value()}};
  EXPECT_EQ(condition.ToText(),
            "  taps_removed        3\n"
            "  taps_put_back       2\n"
            "  not tapped          vethv1 egress\n"
            "  tapped              eth0 x\n"
            "  silent              10.44.0.11:20880\n");
}

TEST(Condition, IsPartOfTheLedgersObject) {
  EXPECT_EQ(
      Condition{}.AddToJson(R"({"seen":1})"),
      R"({"seen":1,"taps_removed":0,"taps_put_back":0,"taps_missing":0,"taps_behind":0,"silent":[],"sampling_factor":1.0000})");
  const Condition condition{
      .taps_removed = 3,
      .taps_put_back = 2,
      .missing = {"a", "b"},
      .behind = {"c"},
      .silent = {SocketAddress::Parse("10.44.0.11:20880").value(), SocketAddress::Parse("[fd44::11]:20880").value()}};
  EXPECT_EQ(condition.AddToJson(R"({"seen":1})"),
            R"({"seen":1,"taps_removed":3,"taps_put_back":2,"taps_missing":2,"taps_behind":1,)"
            R"("silent":["10.44.0.11:20880","[fd44::11]:20880"],"sampling_factor":1.0000})");
}

TEST(Condition, TellsWhenLessIsSampledThanTheRoutesAskFor) {
  Condition condition;
  condition.sampling_factor = 0.25;
  EXPECT_EQ(condition.ToText(), "  sampling_factor     0.2500\n");
  EXPECT_NE(condition.AddToJson("{}").find("\"sampling_factor\":0.2500}"), std::string::npos);
}

}  // namespace
}  // namespace rpctee::agent
