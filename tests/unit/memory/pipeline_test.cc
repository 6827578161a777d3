// Requests on their whole way from the record to the mirror's answer: once everything has grown to its size, none of
// them asks the heap for anything.
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "agent/pipeline.h"
#include "bench/sink.h"
#include "support/counted_heap.h"
#include "support/dubbo_frames.h"
#include "support/no_flow_control.h"

namespace rpctee::agent {
namespace {

using Kind = route::FieldMatch::Kind;

constexpr size_t kRound = 256;  // requests that are taken before they are sent, as the worker does it
constexpr int kRounds = 50;

class CountingObserver final : public mirror::MirrorObserver {
 public:
  explicit CountingObserver(Ledger& ledger) : ledger_(ledger) {}
  void OnCopySent(uint32_t, const SocketAddress&) override { ledger_.CopySent(); }
  void OnCopyEnd(const mirror::CopyEnd& end) override { ledger_.EndCopy(end.outcome); }
  void OnConnectionOpened(const SocketAddress&, const SocketAddress&) override {}
  void OnConnectionClosed(const SocketAddress&, const SocketAddress&, const std::string&) override {}

 private:
  Ledger& ledger_;
};

route::Route RouteWith(std::vector<route::FieldMatch> matches, size_t copies = 1) {
  route::Route route;
  route.matches = std::move(matches);
  route.clusters = {"v1"};
  for (size_t i = 0; i < copies; ++i) {
    route.mirrors.push_back({.cluster = "v2", .share = {}, .origin = {}});
  }
  return route;
}

class SteadyState : public testing::Test {
 protected:
  void SetUp() override {
    auto sink = bench::Sink::Start(0, true);
    ASSERT_TRUE(sink) << sink.error().message;
    sink_ = std::move(*sink);
  }
  void TearDown() override { mirror_.Stop(); }

  void Routes(const std::vector<route::Route>& routes, const std::vector<route::Route>& other = {}) {
    route::RouteSet set;
    set.configs = {{.name = "demo_20880", .interface_name = "org.example.DemoService", .routes = routes, .origin = {}}};
    if (!other.empty()) {
      set.configs.push_back({.name = "other_20880", .interface_name = "org.other", .routes = other, .origin = {}});
    }
    set.clusters = {{"v1", {{.address = provider_}}}, {"v2", {{.address = sink_->address()}}}};
    const auto snapshot = route::Snapshot::Build(set).value();
    mirror_.SetClusters(snapshot->clusters());
    pipeline_.SetSnapshot(snapshot);
  }
  void TakeRequests() {
    CapturedPart part;
    part.flow.destination = provider_;
    part.frame_bytes = static_cast<uint32_t>(request_.size());
    part.bytes = request_;
    for (size_t i = 0; i < kRound; ++i) {
      part.flow_id = i % 16;
      pipeline_.Take(part, Clock::now());
    }
    mirror_.Flush();
    while (mirror_.in_flight() != 0) {
      ASSERT_TRUE(loop_.RunOnce(std::chrono::milliseconds(100)));
      mirror_.Flush();
    }
    pipeline_.Expire(Clock::now());
  }
  void ExpectNoAllocations(uint64_t copies_a_request) {
    for (int round = 0; round < 3; ++round) {
      ASSERT_NO_FATAL_FAILURE(TakeRequests());
    }
    const size_t before = test::HeapAllocations();
    for (int round = 0; round < kRounds; ++round) {
      ASSERT_NO_FATAL_FAILURE(TakeRequests());
    }
    EXPECT_EQ(test::HeapAllocations() - before, 0U) << "of " << kRounds * kRound << " requests";
    const LedgerCounts counts = ledger_.Counts();
    EXPECT_EQ(counts.copy_outcomes[static_cast<size_t>(CopyOutcome::answered_ok)],
              (kRounds + 3) * kRound * copies_a_request);
  }

  const SocketAddress provider_ = SocketAddress::Parse("10.0.0.2:20880").value();
  const std::vector<uint8_t> request_ =
      test::DubboRequest(1, 256, test::DubboRequestOptions{.method = "sayHello", .attachments = {{"env", "gray"}}});
  std::unique_ptr<bench::Sink> sink_;
  Ledger ledger_;
  CountingObserver observer_{ledger_};
  test::NoFlowControl flow_control_;
  EventLoop loop_ = EventLoop::Create().value();
  mirror::Mirror mirror_{loop_, observer_, {}};
  Pipeline pipeline_{ledger_, &mirror_, flow_control_, {}};
};

TEST_F(SteadyState, EveryRequestByARouteWithoutConditions) {
  Routes({RouteWith({})});
  ExpectNoAllocations(1);
}

TEST_F(SteadyState, ByMethodAndAttachmentBehindRoutesThatDoNotMatch) {
  Routes({RouteWith({{.name = "method", .kind = Kind::kExact, .text = "other"}}),
          RouteWith({{.name = "env", .kind = Kind::kExact, .text = "blue"}}),
          RouteWith({{.name = "method", .kind = Kind::kPrefix, .text = "say"},
                     {.name = "env", .kind = Kind::kExact, .text = "gray"}})});
  ExpectNoAllocations(1);
}

TEST_F(SteadyState, ByARegularExpressionAndToTwoMirrors) {
  Routes({RouteWith({{.name = "method", .kind = Kind::kRegex, .text = "say[A-Z][a-z]+"}}, 2)});
  ExpectNoAllocations(2);
}

TEST_F(SteadyState, ByTheInterfaceOfSeveralOnOnePort) {
  Routes({RouteWith({})}, {RouteWith({})});
  ExpectNoAllocations(1);
}

}  // namespace
}  // namespace rpctee::agent
