#include "agent/replies_view.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "unit/route/route_builder.h"

namespace rpctee::agent {
namespace {

using route::At;
using route::MakeCluster;
using route::MakeConfig;
using route::MakeRoute;
using route::Mirror;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

tap::EndpointReplies Answered(const std::string& endpoint, uint64_t ok, uint64_t error, Duration latency) {
  tap::EndpointReplies replies{.endpoint = At(endpoint), .asked = ok + error, .ok = ok, .error = error, .latency = {}};
  replies.latency.AddTo(LatencyHistogram::BucketOf(latency), ok + error);
  return replies;
}

// Two routes of a service: the first to one pod, the second to two, with two mirrors.
std::shared_ptr<const route::Snapshot> TwoRoutes() {
  return route::MustBuild(
      {.configs = {MakeConfig("org.example.Demo", {MakeRoute("one", {}, {"v1"}, {Mirror("v3")}),
                                                   MakeRoute("two", {}, {"v1", "v2"}, {Mirror("v3"), Mirror("v4")})})},
       .clusters = {MakeCluster("v1", {"10.0.0.1:1"}), MakeCluster("v2", {"10.0.0.2:1"}), MakeCluster("v3", {}),
                    MakeCluster("v4", {})}});
}

nlohmann::json Json(const RepliesView& view) { return nlohmann::json::parse(view.AddToJson(R"({"seen":1})")); }

TEST(RepliesView, ARuleShowsTheEndpointsOfItsRouteAddedUp) {
  const RepliesView view(
      *TwoRoutes(), {Answered("10.0.0.1:1", 30, 0, milliseconds(1)), Answered("10.0.0.2:1", 60, 10, milliseconds(100))},
      {}, seconds(10));
  const nlohmann::json json = Json(view);
  EXPECT_EQ(json["seen"], 1);
  ASSERT_EQ(json["replies"].size(), 3U);
  EXPECT_EQ(json["replies"][0]["route"], "one");
  EXPECT_EQ(json["replies"][0]["v1"]["ok"], 30);
  EXPECT_EQ(json["replies"][1]["mirror_cluster"], "v3");
  EXPECT_EQ(json["replies"][2]["mirror_cluster"], "v4");
  const nlohmann::json sum = json["replies"][2]["v1"];
  EXPECT_EQ(sum["asked"], 100);
  EXPECT_EQ(sum["per_second"], 10.0);
  EXPECT_EQ(sum["ok"], 90);
  EXPECT_EQ(sum["error"], 10);
  EXPECT_EQ(sum["unanswered"], 0);
  EXPECT_GE(sum["p50_us"], 81'920);
  EXPECT_EQ(json["replies"][2]["v1_endpoints"]["10.0.0.1:1"]["asked"], 30);
}

TEST(RepliesView, WhatWasAskedAndNotAnsweredIsUnanswered) {
  tap::EndpointReplies replies = Answered("10.0.0.1:1", 3, 0, milliseconds(1));
  replies.asked = 5;
  EXPECT_EQ(Json(RepliesView(*TwoRoutes(), {replies}, {}, seconds(1)))["replies"][0]["v1"]["unanswered"], 2);
  replies.asked = 2;
  EXPECT_EQ(Json(RepliesView(*TwoRoutes(), {replies}, {}, seconds(1)))["replies"][0]["v1"]["unanswered"], 0)
      << "the counts were read one after the other";
}

TEST(RepliesView, ARulesCopiesStandBesideThePrimary) {
  const auto row = [](const std::string& route, const std::string& mirror, uint64_t sent, uint64_t ok) {
    RuleCounts counts;
    counts.rule = {"org.example.Demo_20880", route, mirror};
    counts.endpoint = At("10.0.0.3:1");
    counts.sent = sent;
    counts.ends.at(static_cast<size_t>(CopyOutcome::answered_ok)) = ok;
    counts.ends.at(static_cast<size_t>(CopyOutcome::answered_exception)) = 1;
    counts.ends.at(static_cast<size_t>(CopyOutcome::answered_error)) = 2;
    counts.ends.at(static_cast<size_t>(CopyOutcome::oneway_sent)) = 4;
    counts.latency.AddTo(LatencyHistogram::BucketOf(milliseconds(100)), ok + 3);
    return counts;
  };
  const nlohmann::json json =
      Json(RepliesView(*TwoRoutes(), {Answered("10.0.0.1:1", 30, 0, milliseconds(1))},
                       {row("two", "v3", 40, 20), row("two", "v3", 14, 7), row("two", "v4", 9, 1)}, seconds(10)));
  const nlohmann::json v2 = json["replies"][1]["v2"];
  EXPECT_EQ(v2["asked"], 46) << "without one-way copies";
  EXPECT_EQ(v2["ok"], 27);
  EXPECT_EQ(v2["exception"], 2);
  EXPECT_EQ(v2["error"], 4);
  EXPECT_EQ(v2["unanswered"], 13);
  EXPECT_GE(v2["p50_us"], 81'920);
  EXPECT_LE(json["replies"][1]["v1"]["p50_us"], 1'024);
  EXPECT_EQ(json["replies"][0]["v2"]["asked"], 0);
}

TEST(RepliesView, TheTextNamesEachRuleAndEachEndpoint) {
  const std::string text =
      RepliesView(*TwoRoutes(), {Answered("10.0.0.1:1", 30, 0, milliseconds(1))}, {}, seconds(10)).ToText();
  EXPECT_THAT(text, HasSubstr("org.example.Demo_20880 one -> v3\n    v1 30 asked (3/s), 30 ok, 0 exception, 0 error, 0 "
                              "unanswered; p50 "));
  EXPECT_THAT(text, HasSubstr("\n      10.0.0.1:1 30 asked"));
  EXPECT_THAT(text, Not(HasSubstr("unframed")));
}

TEST(RepliesView, ARuleThatSharesEndpointsSaysSo) {
  const tap::EndpointReplies one = Answered("10.0.0.1:1", 30, 0, milliseconds(1));
  const tap::EndpointReplies two = Answered("10.0.0.2:1", 60, 0, milliseconds(1));
  const RepliesView all(*TwoRoutes(), {one, two}, {}, seconds(10));
  EXPECT_THAT(all.ToText(), HasSubstr("p99 1.02 ms; shared by 3 rules\n    v2 "));
  EXPECT_EQ(Json(all)["replies"][2]["rules_of_v1_endpoints"], 3) << "10.0.0.1 has three, 10.0.0.2 two";
  const RepliesView second(*TwoRoutes(), {two}, {}, seconds(10));
  EXPECT_EQ(Json(second)["replies"][1]["rules_of_v1_endpoints"], 2);
  EXPECT_EQ(Json(second)["replies"][0]["rules_of_v1_endpoints"], 0);
  const RepliesView alone(
      *route::MustBuild({.configs = {MakeConfig("org.example.Demo", {MakeRoute("one", {}, {"v1"}, {Mirror("v3")})})},
                         .clusters = {MakeCluster("v1", {"10.0.0.1:1"}), MakeCluster("v3", {})}}),
      {one}, {}, seconds(10));
  EXPECT_EQ(Json(alone)["replies"][0]["rules_of_v1_endpoints"], 1);
  EXPECT_THAT(alone.ToText(), Not(HasSubstr("shared")));
  EXPECT_THAT(alone.ToText(),
              testing::StartsWith("  answers (v1: to all requests drawn at its endpoints, of whatever"));
}

TEST(RepliesView, NothingIsShownOfAnswersThatAreNotTapped) {
  const RepliesView view(*TwoRoutes(), {}, {}, seconds(10));
  EXPECT_EQ(view.ToText(), "");
  EXPECT_EQ(view.AddToJson(R"({"seen":1})"), R"({"seen":1})");
}

}  // namespace
}  // namespace rpctee::agent
