#include "route/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/route/route_builder.h"

namespace rpctee::route {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RouteSet Walkthrough() {
  RouteSet routes;
  routes.clusters = {MakeCluster("v1", {"10.0.0.1:20880", "[fd00::1]:20880"}), MakeCluster("v2", {"10.0.0.3:20880"})};
  FieldMatch prefix = Exact("method", "say");
  prefix.kind = FieldMatch::Kind::kPrefix;
  routes.configs = {
      MakeConfig("demo", {MakeRoute("say", {prefix}, {"v1"}, {Mirror("v2", 5000)}), MakeRoute("", {}, {"v1"}, {})})};
  routes.configs[0].origin = Origin{"routes.json", 3, 1};
  return routes;
}

TEST(Describe, TellsConditionsClustersMirrorsAndSharesForPeople) {
  EXPECT_EQ(Describe(*MustBuild(Walkthrough())),
            "config demo_20880, interface demo  [routes.json:3:1]\n"
            "  route say\n"
            "    when     method starts with \"say\"\n"
            "    goes to  v1: 10.0.0.1:20880, [fd00::1]:20880\n"
            "    mirrors  0.5% to v2: 10.0.0.3:20880\n"
            "  route #2\n"
            "    when     every request\n"
            "    goes to  v1: 10.0.0.1:20880, [fd00::1]:20880\n"
            "    mirrors  nothing\n"
            "watched: 10.0.0.1:20880, [fd00::1]:20880\n");
}

TEST(Describe, AnEmptySetIsSaidToWatchNothing) { EXPECT_EQ(Describe(*MustBuild(RouteSet())), "watched: nothing\n"); }

TEST(Describe, NamesWithControlCharactersAreEscaped) {
  RouteSet routes = Walkthrough();
  routes.configs[0].routes[0].name = "a\x1b[31m\n\xff";
  const std::string text = Describe(*MustBuild(routes));
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\xff'), std::string::npos);
  EXPECT_THAT(text, HasSubstr("route a\\u001b[31m\\n"));
}

TEST(Describe, EveryKindOfConditionHasItsWords) {
  using Kind = FieldMatch::Kind;
  FieldMatch match = Exact("x", "a");
  EXPECT_EQ(ToString(match), "x is \"a\"");
  match.ignore_case = true;
  match.invert = true;
  match.treat_missing_as_empty = true;
  EXPECT_EQ(ToString(match), "not: x is \"a\" (in any case) (missing counts as empty)");
  match = Exact("x", "a");
  for (const auto& [kind, words] :
       {std::pair{Kind::kPrefix, "x starts with \"a\""}, std::pair{Kind::kSuffix, "x ends with \"a\""},
        std::pair{Kind::kContains, "x contains \"a\""}, std::pair{Kind::kRegex, "x matches \"a\""},
        std::pair{Kind::kPresent, "x is present"}}) {
    match.kind = kind;
    EXPECT_EQ(ToString(match), words);
  }
  match.present = false;
  EXPECT_EQ(ToString(match), "x is absent");
  match.kind = Kind::kRange;
  match.range_start = -1;
  match.range_end = 5;
  EXPECT_EQ(ToString(match), "x is a number from -1 to below 5");
}

TEST(DescribeJson, HoldsTheSameAsTheText) {
  const auto json = nlohmann::json::parse(DescribeJson(*MustBuild(Walkthrough())));
  const auto& route = json.at("configs").at(0).at("routes").at(0);
  EXPECT_EQ(json.at("configs").at(0).at("interface"), "demo");
  EXPECT_EQ(route.at("matches").at(0).at("kind"), "prefix");
  EXPECT_EQ(route.at("matches").at(0).at("value"), "say");
  EXPECT_EQ(route.at("clusters").at(0).at("name"), "v1");
  EXPECT_EQ(route.at("clusters").at(0).at("endpoints").at(1).at("address"), "[fd00::1]:20880");
  EXPECT_EQ(route.at("mirrors").at(0).at("share"), "0.5%");
  EXPECT_EQ(route.at("mirrors").at(0).at("share_millionths"), 5000);
  EXPECT_EQ(json.at("endpoints").at(0).at("threshold"), Share{5000}.Threshold());
  EXPECT_TRUE(json.at("configs").at(0).at("routes").at(1).at("matches").is_array());
  EXPECT_EQ(json.at("concerns"), nlohmann::json::array());
}

TEST(DescribeJson, TextThatIsNotUtf8DoesNotBreakIt) {
  RouteSet routes = Walkthrough();
  routes.configs[0].name = "\xff\xfe";
  EXPECT_TRUE(nlohmann::json::accept(DescribeJson(*MustBuild(routes))));
}

TEST(Concerns, ASoundSetHasNone) { EXPECT_THAT(Concerns(*MustBuild(Walkthrough())), IsEmpty()); }

TEST(Concerns, EmptyClustersOnEitherSideAreNamed) {
  RouteSet routes = Walkthrough();
  routes.clusters.clear();
  routes.configs[0].routes[0].origin = Origin{"routes.json", 7, 9};
  EXPECT_THAT(
      Concerns(*MustBuild(routes)),
      ElementsAre(
          "routes.json:7:9: route 'say' of 'demo_20880': cluster 'v1' has no endpoints, so none of its requests "
          "can be seen",
          "routes.json:7:9: route 'say' of 'demo_20880': mirror cluster 'v2' has no endpoints, so its copies have "
          "nowhere to go"));
}

TEST(Concerns, AMirrorToTheRoutesOwnClusterOrPodsIsNamed) {
  RouteSet routes = Walkthrough();
  routes.configs[0].routes[0].mirrors[0].cluster = "v1";
  EXPECT_THAT(Concerns(*MustBuild(routes)), ElementsAre(HasSubstr("is the route's own cluster")));
  routes = Walkthrough();
  routes.clusters[1] = MakeCluster("v2", {"10.0.0.3:20880", "10.0.0.1:20880"});
  EXPECT_THAT(Concerns(*MustBuild(routes)), ElementsAre(HasSubstr("endpoint 10.0.0.1:20880 is both in")));
}

TEST(Concerns, ARouteBehindOneThatTakesEverythingIsNamed) {
  RouteSet routes = Walkthrough();
  std::swap(routes.configs[0].routes[0], routes.configs[0].routes[1]);
  EXPECT_THAT(Concerns(*MustBuild(routes)),
              ElementsAre(HasSubstr("route 'say' of 'demo_20880': an earlier route takes every")));
}

TEST(Concerns, AMirrorWithoutHealthyEndpointsOrARouteWithoutClustersIsNamed) {
  RouteSet routes = Walkthrough();
  routes.clusters[1].endpoints[0].healthy = false;
  routes.configs[0].routes[0].clusters.clear();
  EXPECT_THAT(Concerns(*MustBuild(routes)),
              ElementsAre(HasSubstr("names no cluster"), HasSubstr("has no healthy endpoint")));
}

TEST(Concerns, RoutesThatMirrorNothingAreOfNoConcern) {
  RouteSet routes = Walkthrough();
  routes.configs[0].routes[0].mirrors[0] = Mirror("nowhere", 0);
  EXPECT_THAT(Concerns(*MustBuild(routes)), IsEmpty());
}

}  // namespace
}  // namespace rpctee::route
