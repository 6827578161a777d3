// Several workers with the real tap: every request is taken by one of them, and the books of all together balance.
#include "agent/workers.h"

#include <gmock/gmock.h>
#include <pthread.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <numeric>
#include <sstream>

#include "lab/workers/mirror_lab.h"
#include "support/dubbo_frames.h"

namespace rpctee::agent {
namespace {

using ::testing::HasSubstr;

constexpr size_t kWorkers = 3;

template <size_t N>
uint64_t Sum(const std::array<uint64_t, N>& values) {
  return std::accumulate(values.begin(), values.end(), uint64_t{0});
}

uint64_t Mirrored(const LedgerCounts& counts) { return counts.requests[static_cast<size_t>(RequestOutcome::mirrored)]; }

uint64_t OverMemory(const LedgerCounts& counts) {
  return counts.requests[static_cast<size_t>(RequestOutcome::over_memory)];
}

class WorkersLab : public MirrorLab {
 protected:
  void SetUp() override {
    MirrorLab::SetUp();
    if (!IsSkipped()) {
      OpenTap();
      options_.mirror.max_in_flight = 100'000;
      options_.mirror.max_buffer_bytes = size_t{64} << 20;
    }
  }
  void TearDown() override {
    workers_.reset();
    tap_.reset();
    MirrorLab::TearDown();
  }
  void OpenTap() {
    auto tap = tap::Tap::Open({.rings = kWorkers});
    ASSERT_TRUE(tap) << tap.error().message;
    tap_ = std::move(*tap);
    const auto attached = tap_->Attach(Index("lo"), tap::Direction::kEgress, tap::AttachMode::kAuto);
    ASSERT_TRUE(attached) << attached.error().message;
  }
  void Create() {
    auto workers = Workers::Create(*tap_, kWorkers, options_);
    ASSERT_TRUE(workers) << workers.error().message;
    workers_ = std::move(*workers);
  }
  void Start() {
    Create();
    const Status started = workers_->Start();
    ASSERT_TRUE(started) << started.error().message;
    workers_->Publish(Routes());
    ASSERT_TRUE(tap_->SetEndpoints(Routes()->endpoints()));
  }
  LedgerCounts Counts() { return workers_->Counts(Clock::now() + std::chrono::seconds(30)); }
  LedgerReport Report(bool settled) { return MakeReport(tap_->Totals().value(), Counts(), settled); }
  LedgerReport Stop() {
    EXPECT_TRUE(tap_->StopSampling());
    workers_->Stop();
    return Report(true);
  }
  bool WaitUntilMirrored(uint64_t requests) {
    return WaitFor([this, requests] {
      const LedgerCounts counts = Counts();
      return Mirrored(counts) >= requests && counts.in_flight == 0;
    });
  }
  // How many connections v2 has accepted: one of each worker that sent something.
  size_t Connections() {
    size_t accepted = 0;
    servers_->Call([&](mirror::ScriptedServer&, mirror::ScriptedServer& v2) { accepted = v2.accepted(); });
    return accepted;
  }

  WorkerOptions options_;
  std::unique_ptr<tap::Tap> tap_;
  std::unique_ptr<Workers> workers_;
};

TEST_F(WorkersLab, EachRequestIsMirroredByOneOfThem) {
  Start();
  Load load(servers_->v1(), {.threads = 2, .connections = 16, .requests = 4'000});
  load.Join();
  EXPECT_TRUE(WaitUntilMirrored(8'000));
  EXPECT_EQ(Connections(), kWorkers) << "the flows of 32 connections go to all rings";
  const LedgerReport report = Stop();
  EXPECT_TRUE(report.Balanced()) << report.ToText();
  EXPECT_EQ(report.seen, 8'000U);
  EXPECT_EQ(report.sent, 8'000U);
  EXPECT_TRUE(servers_->Copies() == load.Sent());
  EXPECT_FALSE(workers_->Failure());
}

TEST_F(WorkersLab, UnderLoadTheCountsAreThoseBetweenTwoRounds) {
  Start();
  Load load(servers_->v1(), {.threads = 2, .connections = 16, .requests = 0});
  ASSERT_TRUE(WaitFor([this] { return Connections() == kWorkers; }));
  size_t readings = 0;
  EXPECT_TRUE(WaitFor([&] {
    const LedgerCounts counts = Counts();
    EXPECT_EQ(counts.received + counts.stream_seen - counts.stream_sampled, Sum(counts.requests) + counts.open);
    EXPECT_EQ(counts.copies, Sum(counts.copy_outcomes) + counts.in_flight);
    return HasFailure() || (++readings >= 200 && Mirrored(counts) > 10'000);
  }));
  load.Stop();
}

TEST_F(WorkersLab, StoppedUnderLoadTheBooksBalanceAndV2HasWhatTheySay) {
  Start();
  Load load(servers_->v1(), {.threads = 2, .connections = 16, .requests = 0});
  ASSERT_TRUE(WaitFor([this] { return Connections() == kWorkers; }));
  const LedgerReport report = Stop();
  load.Stop();
  EXPECT_TRUE(report.Balanced()) << report.ToText();
  EXPECT_EQ(servers_->Copies().size(), report.sent);
}

// An answer ends the wait of the worker whose copy it is, and of nobody else: if they were stopped one after the other,
// the connection of one that has not been told would stay open.
TEST_F(WorkersLab, AllWaitForTheirLastAnswersAtTheSameTime) {
  options_.shutdown_grace = std::chrono::seconds(60);
  options_.mirror.reply_timeout = std::chrono::seconds(120);
  Start();
  servers_->Call([](mirror::ScriptedServer&, mirror::ScriptedServer& v2) { v2.ScriptNothing(); });
  Load load(servers_->v1(), {.threads = 1, .connections = 64, .requests = 64});
  load.Join();
  size_t copies = 0;
  EXPECT_TRUE(WaitFor([&] {
    servers_->Call([&](mirror::ScriptedServer&, mirror::ScriptedServer& v2) { copies = v2.requests(); });
    return copies == 64;
  }));
  ASSERT_EQ(Connections(), kWorkers);
  std::thread stopping([this] { Stop(); });
  for (size_t left = kWorkers; left > 0; --left) {
    servers_->Call([](mirror::ScriptedServer&, mirror::ScriptedServer& v2) {
      mirror::ScriptedServer::Peer& last = *v2.peers().back();
      for (const mirror::ScriptedServer::Message& message : v2.log()) {
        v2.Write(last, mirror::Reply(message.id));
      }
    });
    EXPECT_TRUE(WaitFor([&] {
      size_t open = 0;
      servers_->Call([&](mirror::ScriptedServer&, mirror::ScriptedServer& v2) { open = v2.peers().size(); });
      return open < left;
    }));
  }
  stopping.join();
  const LedgerReport report = Report(true);
  EXPECT_TRUE(report.Balanced()) << report.ToText();
  EXPECT_EQ(report.copy_outcomes[static_cast<size_t>(CopyOutcome::answered_ok)], 64U);
}

// The program may look at a worker's flag just before the worker falls asleep, and wake nobody for the record.
TEST_F(WorkersLab, ARecordThatWokeNobodyIsTakenWhenTheSleepIsOver) {
  Start();
  for (size_t request = 1; request <= 10; ++request) {
    for (size_t ring = 0; ring < kWorkers; ++ring) {
      tap_->SetAsleep(ring, false);
    }
    Load(servers_->v1(), {.threads = 1, .connections = 1, .requests = 1}).Join();
    // Asking the workers would wake them.
    ASSERT_TRUE(WaitFor([&] {
      size_t copies = 0;
      servers_->Call([&](mirror::ScriptedServer&, mirror::ScriptedServer& v2) { copies = v2.requests(); });
      return copies == request;
    }));
  }
  EXPECT_TRUE(Stop().Balanced());
}

TEST_F(WorkersLab, WhenOneCanNotBeMadeThereIsNone) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  // Two descriptors for each, and one for them all: the second gets its first, and no more.
  const Fd next(::dup(0));
  rlimit few = before;
  few.rlim_cur = static_cast<rlim_t>(next.get()) + 5;
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const auto workers = Workers::Create(*tap_, kWorkers, options_);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_FALSE(workers);
  EXPECT_THAT(workers.error().message, HasSubstr("worker 1: eventfd: Too many open files"));
}

TEST_F(WorkersLab, WhenAThreadCanNotBeStartedNoneRuns) {
  Create();
  pthread_attr_t before;
  pthread_attr_t huge;
  ASSERT_EQ(::pthread_getattr_default_np(&before), 0);
  ASSERT_EQ(::pthread_attr_init(&huge), 0);
  ASSERT_EQ(::pthread_attr_setstacksize(&huge, size_t{1} << 46), 0);
  ASSERT_EQ(::pthread_setattr_default_np(&huge), 0);
  const Status started = workers_->Start();
  ASSERT_EQ(::pthread_setattr_default_np(&before), 0);
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("rpctee-w0: start a thread: "));
}

TEST_F(WorkersLab, AWorkerThatDoesNotComeRoundIsToldOfOnceAndItsReturnToo) {
  std::ostringstream log;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
  spdlog::set_pattern("%v");
  Create();
  const TimePoint made = Clock::now();
  workers_->LookForStuck(made + std::chrono::seconds(1));
  EXPECT_EQ(log.str(), "");
  workers_->LookForStuck(made + std::chrono::milliseconds(4'500));
  workers_->LookForStuck(made + std::chrono::milliseconds(4'600));
  workers_->LookForStuck(made + std::chrono::seconds(1));
  spdlog::set_default_logger(before);
  std::string expected;
  for (const std::string name : {"rpctee-w0", "rpctee-w1", "rpctee-w2"}) {
    expected += name + " has not come round for 4 s; no request is mirrored until it does\n";
  }
  for (const std::string name : {"rpctee-w0", "rpctee-w1", "rpctee-w2"}) {
    expected += name + " comes round again, and requests are mirrored again\n";
  }
  EXPECT_EQ(log.str(), expected);
}

TEST_F(WorkersLab, TheLimitOnMemoryIsOfAllTogether) {
  // Room for the beginnings of two requests in each worker, and for six in one that had it all for itself.
  options_.pipeline.limits.max_bytes = kWorkers * 150'000;
  Start();
  const std::vector<uint8_t> request = test::DubboRequest(1, 100'000);
  std::vector<Fd> connections;
  for (int i = 0; i < 30; ++i) {
    connections.push_back(Connect(servers_->v1()));
    ASSERT_EQ(::send(connections.back().get(), request.data(), 60'000, MSG_NOSIGNAL), 60'000);
  }
  EXPECT_TRUE(WaitFor([this] { return OverMemory(Counts()) + 2 * kWorkers >= 30; })) << Report(false).ToText();
  EXPECT_LE(Counts().open, 2 * kWorkers);
  EXPECT_TRUE(Stop().Balanced());
}

}  // namespace
}  // namespace rpctee::agent
