// Every request that goes in comes out under one name.
#include "agent/pipeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/dubbo_frames.h"
#include "support/no_flow_control.h"

namespace rpctee::agent {
namespace {

constexpr uint64_t kEveryDraw = uint64_t{1} << 32;

route::Route RouteTo(const std::string& cluster, const std::string& mirror, uint32_t millionths) {
  route::Route route;
  route.clusters = {cluster};
  route.mirrors = {{.cluster = mirror, .share = {millionths}, .origin = {}}};
  return route;
}

class NobodyListens final : public mirror::MirrorObserver {
 public:
  void OnCopySent(uint32_t, const SocketAddress&) override {}
  void OnCopyEnd(const mirror::CopyEnd& end) override { ended += end.outcome == CopyOutcome::no_endpoint ? 1 : 0; }
  void OnConnectionOpened(const SocketAddress&, const SocketAddress&) override {}
  void OnConnectionClosed(const SocketAddress&, const SocketAddress&, const std::string&) override {}

  uint64_t ended = 0;
};

class PipelineTest : public testing::Test {
 protected:
  void Routes(const std::vector<route::Route>& routes) {
    route::RouteSet set;
    set.configs = {{.name = "demo_20880", .interface_name = "org.example.DemoService", .routes = routes, .origin = {}}};
    set.clusters = {{"v1", {{.address = endpoint_}}}, {"v2", {{.address = mirror_}}}};
    pipeline_.SetSnapshot(route::Snapshot::Build(set).value());
  }

  void Request(Bytes frame, uint32_t draw = 0, const char* destination = "10.0.0.2:20880") {
    CapturedPart part;
    part.flow_id = next_flow_++;
    part.flow = {SocketAddress::Parse("10.0.0.1:40000").value(), SocketAddress::Parse(destination).value()};
    part.draw = draw;
    part.frame_bytes = static_cast<uint32_t>(frame.size());
    part.bytes = frame;
    pipeline_.Take(part, Clock::now());
    ++sent_;
  }

  uint64_t Ended(RequestOutcome outcome) { return Report().requests[static_cast<size_t>(outcome)]; }

  LedgerReport Report() {
    ledger_.SetOpen(pipeline_.open());
    const LedgerReport report = MakeReport({.seen = sent_, .sampled = sent_}, ledger_.Counts(), false);
    EXPECT_TRUE(report.Balanced()) << report.ToText();
    return report;
  }

  SocketAddress endpoint_ = SocketAddress::Parse("10.0.0.2:20880").value();
  SocketAddress mirror_ = SocketAddress::Parse("10.0.0.3:20880").value();
  uint64_t next_flow_ = 1;
  uint64_t sent_ = 0;
  Ledger ledger_;
  test::NoFlowControl flow_control_;
  Pipeline pipeline_{ledger_,
                     nullptr,
                     flow_control_,
                     {.limits = {}, .stream_limits = {}, .dry_run = true, .take_every_request = false}};
  std::vector<uint8_t> request_ = test::DubboRequest(1, 300);
};

TEST_F(PipelineTest, AMatchingRequestIsMirroredAndWithoutRoutesNothingIs) {
  Request(request_);
  EXPECT_EQ(Ended(RequestOutcome::no_route), 1U) << "before the first routes";
  Routes({RouteTo("v1", "v2", route::kMillion)});
  Request(request_);
  EXPECT_EQ(Ended(RequestOutcome::dry_run), 1U);
}

TEST_F(PipelineTest, TheDrawOfTheKernelDecidesForTheRule) {
  Routes({RouteTo("v1", "v2", route::kMillion / 2)});
  Request(request_, static_cast<uint32_t>(kEveryDraw / 2 - 1));
  Request(request_, static_cast<uint32_t>(kEveryDraw / 2));
  EXPECT_EQ(Ended(RequestOutcome::dry_run), 1U);
  EXPECT_EQ(Ended(RequestOutcome::not_sampled), 1U);
}

TEST_F(PipelineTest, ARequestToAnEndpointOfNoRouteHasNoRoute) {
  Routes({RouteTo("v1", "v2", route::kMillion)});
  Request(request_, 0, "10.0.0.9:20880");
  EXPECT_EQ(Ended(RequestOutcome::no_route), 1U);
}

TEST_F(PipelineTest, ABodyThatCannotBeReadIsMirroredWhenNoRuleNeedsIt) {
  Routes({RouteTo("v1", "v2", route::kMillion)});
  request_[2] = 0xc0 | 8;  // kryo
  Request(request_);
  EXPECT_EQ(Ended(RequestOutcome::dry_run), 1U);
}

TEST_F(PipelineTest, ABodyThatCannotBeReadIsNamedWhenARuleNeedsIt) {
  route::Route by_method = RouteTo("v1", "v2", route::kMillion);
  by_method.matches = {{.name = "method", .kind = route::FieldMatch::Kind::kExact, .text = "blob"}};
  Routes({by_method});
  Request(request_);
  EXPECT_EQ(Ended(RequestOutcome::dry_run), 1U);
  request_[2] = 0xc0 | 8;
  Request(request_);
  EXPECT_EQ(Ended(RequestOutcome::undecodable), 1U);
}

TEST_F(PipelineTest, WhatIsOpenAtTheEndIsNamed) {
  CapturedPart part;
  part.frame_bytes = 300;
  part.bytes = Bytes(request_).first(100);
  pipeline_.Take(part, Clock::now());
  ++sent_;
  EXPECT_EQ(Report().open, 1U);
  pipeline_.Stop();
  EXPECT_EQ(Ended(RequestOutcome::agent_stopped), 1U);
}

TEST_F(PipelineTest, WhatIsOverTheBudgetOfARuleIsNotSent) {
  EventLoop loop = std::move(EventLoop::Create().value());
  NobodyListens observer;
  mirror::Mirror mirror(loop, observer, {});
  Pipeline live(ledger_, &mirror, flow_control_, {});
  route::Route limited = RouteTo("v1", "v2", route::kMillion);
  limited.mirrors[0].policy.max_requests_per_second = 1;
  route::RouteSet set;
  set.configs = {{.name = "demo_20880", .interface_name = "", .routes = {limited}, .origin = {}}};
  set.clusters = {{"v1", {{.address = endpoint_}}}, {"v2", {}}};
  CapturedPart part;
  part.flow.destination = endpoint_;
  part.frame_bytes = static_cast<uint32_t>(request_.size());
  part.bytes = request_;
  for (int i = 0; i < 100; ++i) {
    live.SetSnapshot(route::Snapshot::Build(set).value());  // a reload does not begin anew
    live.Take(part, Clock::now());
  }
  const LedgerCounts counts = ledger_.Counts();
  EXPECT_EQ(counts.copies, 100U);
  const uint64_t over = counts.copy_outcomes[static_cast<size_t>(CopyOutcome::over_budget)];
  EXPECT_EQ(over + observer.ended, 100U);
  EXPECT_GE(observer.ended, 1U);
  EXPECT_GE(over, 80U);
}

TEST_F(PipelineTest, EachRuleHasABudgetOfItsOwnThatCopiesHeldBackDoNotUse) {
  EventLoop loop = std::move(EventLoop::Create().value());
  NobodyListens observer;
  mirror::Mirror mirror(loop, observer, {});
  Pipeline live(ledger_, &mirror, flow_control_, {});
  route::Route route = RouteTo("v1", "v2", route::kMillion);
  route.mirrors.assign(3, route.mirrors[0]);
  route.mirrors[1].cluster = "v3";
  route.mirrors[1].policy.max_bytes_per_second = request_.size();
  route.mirrors[2].cluster = "v4";
  route.mirrors[2].policy.max_bytes_per_second = 1;
  route.mirrors[2].policy.dry_run = true;
  route::RouteSet set;
  set.configs = {{.name = "demo_20880", .interface_name = "", .routes = {route}, .origin = {}}};
  set.clusters = {{"v1", {{.address = endpoint_}}}, {"v2", {}}, {"v3", {}}, {"v4", {}}};
  live.SetSnapshot(route::Snapshot::Build(set).value());
  CapturedPart part;
  part.flow.destination = endpoint_;
  part.frame_bytes = static_cast<uint32_t>(request_.size());
  part.bytes = request_;
  const TimePoint start = Clock::now();
  for (int i = 0; i < 10; ++i) {
    live.Take(part, Clock::now());
  }
  const LedgerCounts counts = ledger_.Counts();
  EXPECT_EQ(counts.copy_outcomes[static_cast<size_t>(CopyOutcome::rule_dry_run)], 10U);
  const uint64_t over = counts.copy_outcomes[static_cast<size_t>(CopyOutcome::over_budget)];
  EXPECT_EQ(over + observer.ended, 20U) << "the first has no limit, the second one of its bytes";
  if (Clock::now() - start < std::chrono::milliseconds(800)) {
    EXPECT_EQ(over, 9U) << "a request's bytes are a second's worth";
  }
}

TEST_F(PipelineTest, AThriftRequestIsMatchedAndHandedToTheRelay) {
  EventLoop loop = std::move(EventLoop::Create().value());
  NobodyListens observer;
  mirror::Mirror mirror(loop, observer, {});
  Pipeline live(ledger_, &mirror, flow_control_, {});
  route::RouteSet set;
  set.configs = {
      {.name = "demo_20880", .interface_name = "", .routes = {RouteTo("v1", "v2", route::kMillion)}, .origin = {}}};
  set.clusters = {{"v1", {{.address = endpoint_}}}, {"v2", {{.address = mirror_}}}};
  live.SetSnapshot(route::Snapshot::Build(set).value());
  const std::string_view call("\0\0\0\x15\x80\x01\0\x01\0\0\0\x08sayHello\0\0\0\x01\0", 25);
  CapturedPart part;
  part.flow.destination = endpoint_;
  part.protocol = Content::kThriftFramed;
  part.frame_bytes = static_cast<uint32_t>(call.size());
  part.bytes = Bytes(reinterpret_cast<const uint8_t*>(call.data()), call.size());
  live.Take(part, Clock::now());
  ++sent_;
  EXPECT_EQ(ledger_.Counts().requests[static_cast<size_t>(RequestOutcome::mirrored)], 1U);
  EXPECT_EQ(ledger_.Counts().copies, 1U);
  EXPECT_EQ(observer.ended, 1U) << "the mirror knows no cluster";
  EXPECT_TRUE(mirror.Counts().empty()) << "no copy was refused";
}

TEST_F(PipelineTest, TellsOfEachRequestThatIsMirrored) {
  std::vector<std::string> methods;
  pipeline_.SetOnMirrored(
      [&methods](const stream::Frame&, protocol::Request& request) { methods.emplace_back(request.Summary().method); });
  Routes({RouteTo("v1", "v2", route::kMillion)});
  Request(request_);
  Request(request_, 0, "10.0.0.9:20880");
  EXPECT_THAT(methods, testing::ElementsAre("blob"));
}

TEST_F(PipelineTest, ARequestThatIsACopyItselfIsNotMirroredAgain) {
  route::RouteSet set;
  set.configs = {
      {.name = "demo_20880", .interface_name = "", .routes = {RouteTo("v1", "v2", route::kMillion)}, .origin = {}}};
  set.clusters = {{"v1", {{.address = endpoint_}}}, {"v2", {{.address = mirror_}}}};
  set.mark = {.attachment = "rpctee-mirror", .value = "node-1"};
  pipeline_.SetSnapshot(route::Snapshot::Build(set).value());
  Request(request_);
  EXPECT_EQ(Ended(RequestOutcome::dry_run), 1U);
  const std::vector<uint8_t> copy = test::DubboRequest(1, 0, {.attachments = {{"rpctee-mirror", "node-2"}}});
  Request(copy);
  EXPECT_EQ(Ended(RequestOutcome::already_mirrored), 1U);
}

TEST_F(PipelineTest, CopiesThatThePolicyKeepsBackAreBookedAsCopies) {
  Pipeline live(ledger_, nullptr, flow_control_, {});
  route::Route route = RouteTo("v1", "v2", route::kMillion);
  route.mirrors[0].policy.dry_run = true;
  route.mirrors.push_back(route.mirrors[0]);
  route.mirrors[1].policy.deny_methods = {"blob"};
  route::RouteSet set;
  set.configs = {{.name = "demo_20880", .interface_name = "", .routes = {route}, .origin = {}}};
  set.clusters = {{"v1", {{.address = endpoint_}}}, {"v2", {{.address = mirror_}}}};
  live.SetSnapshot(route::Snapshot::Build(set).value());
  CapturedPart part;
  part.flow.destination = endpoint_;
  part.frame_bytes = static_cast<uint32_t>(request_.size());
  part.bytes = request_;
  live.Take(part, Clock::now());
  ++sent_;
  const LedgerReport report = Report();
  EXPECT_EQ(Ended(RequestOutcome::mirrored), 1U);
  EXPECT_EQ(report.copies, 2U);
  EXPECT_EQ(report.copy_outcomes[static_cast<size_t>(CopyOutcome::rule_dry_run)], 1U);
  EXPECT_EQ(report.copy_outcomes[static_cast<size_t>(CopyOutcome::method_denied)], 1U);
}

}  // namespace
}  // namespace rpctee::agent
