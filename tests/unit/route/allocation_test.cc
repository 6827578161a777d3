// Decide is on the path of every sampled request: it must not allocate.
#include <gtest/gtest.h>

#include "route/text.h"
#include "support/counted_heap.h"
#include "unit/route/route_builder.h"

namespace rpctee::route {
namespace {

class FixedRequest : public protocol::RequestView {
 public:
  protocol::FieldValue Field(std::string_view name) override {
    if (EqualsFolded(name, "interface")) {
      return {protocol::FieldValue::Status::kPresent, "org.example.DemoService"};
    }
    return {protocol::FieldValue::Status::kPresent, "sayHello"};
  }
};

FieldMatch On(FieldMatch::Kind kind, const std::string& text, bool ignore_case = false) {
  FieldMatch match = Exact("method", text);
  match.kind = kind;
  match.ignore_case = ignore_case;
  return match;
}

TEST(Allocation, DecidingDoesNotAllocateOnceItsStorageIsThere) {
  using Kind = FieldMatch::Kind;
  RouteSet routes;
  routes.clusters = {MakeCluster("v1", {"10.0.0.1:80"}), MakeCluster("v2", {"10.0.0.2:80"})};
  const std::vector<FieldMatch> all = {On(Kind::kPrefix, "SAY", true), On(Kind::kContains, "YHE", true),
                                       On(Kind::kSuffix, "Hello"), On(Kind::kRegex, "say[A-Z][a-z]+"),
                                       On(Kind::kPresent, "")};
  routes.configs = {MakeConfig("org.other.Service", {MakeRoute("", {}, {"v1"}, {Mirror("v2")})}),
                    MakeConfig("org.example.demoservice", {MakeRoute("", {On(Kind::kExact, "no")}, {"v1"}, {}),
                                                           MakeRoute("", all, {"v1"}, {Mirror("v2"), Mirror("v2")})})};
  const auto snapshot = MustBuild(routes);
  const SocketAddress endpoint = At("10.0.0.1:80");
  FixedRequest request;
  Decision decision;
  snapshot->Decide(endpoint, request, 0, decision);
  ASSERT_EQ(decision.rules.size(), 2u);
  const size_t before = test::HeapAllocations();
  for (int i = 0; i < 1000; ++i) {
    snapshot->Decide(endpoint, request, 0, decision);
  }
  EXPECT_EQ(test::HeapAllocations(), before);
  EXPECT_EQ(decision.rules.size(), 2u);
}

}  // namespace
}  // namespace rpctee::route
