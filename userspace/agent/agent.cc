#include "agent/agent.h"

#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <thread>

namespace rpctee::agent {
namespace {

// A reading of the tap's totals can fall between two counters; so many are taken before an imbalance is believed.
constexpr int kReadings = 20;
// For a worker in the middle of a round; of one that is stuck the counts are taken as they are.
constexpr Duration kCountsWait = std::chrono::milliseconds(500);
constexpr std::chrono::milliseconds kInterfaceRetry{200};

// The workers first: what they received was sampled before.
Result<LedgerReport> ReadLedger(const tap::Tap& tap, Workers& workers, bool settled) {
  LedgerReport report;
  const TimePoint deadline = Clock::now() + kCountsWait;
  for (int i = 0; i < kReadings; ++i) {
    const LedgerCounts counts = workers.Counts(deadline);
    const Result<TapTotals> totals = tap.Totals();
    if (!totals) {
      return WithContext("ledger", totals.error());
    }
    report = MakeReport(*totals, counts, settled);
    if (report.Balanced()) {
      break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return report;
}

Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc);
  file << text << "\n";
  file.close();
  return file ? Status() : FailErrno(path, errno);
}

}  // namespace

Result<std::unique_ptr<Agent>> Agent::Start(AgentOptions options) {
  Result<EventLoop> loop = EventLoop::Create();
  if (!loop) {
    return WithContext("agent", loop.error());
  }
  std::unique_ptr<Agent> agent(new Agent(std::move(options), std::move(*loop)));
  if (const Status watched = agent->WatchSignals(); !watched) {
    return WithContext("signals", watched.error());
  }
  Result<std::shared_ptr<const route::Snapshot>> snapshot = agent->loader_.Load();
  if (!snapshot) {
    return tl::unexpected(snapshot.error());
  }
  Result<std::unique_ptr<tap::Tap>> tap = tap::Tap::Open(agent->options_.tap);
  if (!tap) {
    return WithContext("tap", tap.error());
  }
  agent->tap_ = std::move(*tap);
  const size_t count = agent->options_.tap.rings;
  Result<std::unique_ptr<Workers>> workers = Workers::Create(*agent->tap_, count, agent->options_.worker);
  if (!workers) {
    return tl::unexpected(workers.error());
  }
  agent->workers_ = std::move(*workers);
  if (const Status started = agent->workers_->Start(); !started) {
    return tl::unexpected(started.error());
  }
  agent->silence_ = std::make_unique<SilenceWatch>(*agent->tap_, agent->options_.silence);
  if (const Status applied = agent->ApplyRoutes(*snapshot); !applied) {
    return tl::unexpected(applied.error());
  }
  Result<Taps> taps = Taps::Open(*agent->tap_, agent->options_.places);
  if (!taps) {
    return tl::unexpected(taps.error());
  }
  agent->taps_ = std::make_unique<Taps>(std::move(*taps));
  return agent;
}

Agent::~Agent() {
  // These use the tap, so they go first.
  silence_.reset();
  workers_.reset();
}

Status Agent::WatchSignals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGUSR1, SIGHUP}) {
    sigaddset(&set, signal);
  }
  if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    return FailErrno("pthread_sigmask", error);
  }
  signals_.Reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_.valid()) {
    return FailErrno("signalfd", errno);
  }
  return loop_.Add(signals_.get(), EPOLLIN, [this](uint32_t) {
    signalfd_siginfo info{};
    while (read(signals_.get(), &info, sizeof(info)) == static_cast<ssize_t>(sizeof(info))) {
      OnSignal(static_cast<int>(info.ssi_signo));
    }
  });
}

void Agent::OnSignal(int signal) {
  switch (signal) {
    case SIGUSR1:
      PrintLedger();
      break;
    case SIGHUP:
      Reload();
      break;
    default:
      spdlog::info("{}: stopping", signal == SIGINT ? "SIGINT" : "SIGTERM");
      stop_ = true;
  }
}

Status Agent::ApplyRoutes(const std::shared_ptr<const route::Snapshot>& snapshot) {
  // The workers first: a request that the tap samples by the new table finds the new rules.
  workers_->Publish(snapshot);
  if (Status set = SetThresholds(*snapshot); !set) {
    return set;
  }
  silence_->SetEndpoints(snapshot->endpoints());
  snapshot_ = snapshot;
  spdlog::info("routes: {} mirror rules over {} endpoints", snapshot->rules().size(), snapshot->endpoints().size());
  return {};
}

Status Agent::SetThresholds(const route::Snapshot& snapshot) {
  std::vector<route::EndpointThreshold> endpoints = snapshot.endpoints();
  for (route::EndpointThreshold& endpoint : endpoints) {
    endpoint.threshold = cpu_.factor().Scale(endpoint.threshold);
  }
  if (const Status set = tap_->SetEndpoints(endpoints); !set) {
    return WithContext("endpoint table", set.error());
  }
  return {};
}

void Agent::LookAtCpu() {
  if (cpu_.Look(Clock::now())) {
    workers_->SetSamplingFactor(cpu_.factor());
    if (const Status set = SetThresholds(*snapshot_); !set) {
      spdlog::error("{}", set.error().message);
    }
  }
  loop_.AddTimer(Clock::now() + CpuWatch::kInterval, [this] { LookAtCpu(); });
}

void Agent::Reload() {
  Result<std::shared_ptr<const route::Snapshot>> snapshot = loader_.Load();
  if (!snapshot) {
    spdlog::error("{}; the last good set stays", snapshot.error().message);
    return;
  }
  if (const Status applied = ApplyRoutes(*snapshot); !applied) {
    spdlog::error("{}", applied.error().message);
  }
}

void Agent::ReloadWhenChanged() {
  if (loader_.Changed()) {
    Reload();
  }
  loop_.AddTimer(Clock::now() + options_.reload_interval, [this] { ReloadWhenChanged(); });
}

Condition Agent::Describe() const {
  Condition condition;
  taps_->Tell(condition);
  condition.silent = silence_->Silent();
  condition.sampling_factor = cpu_.factor().value();
  return condition;
}

RepliesView Agent::ViewReplies(const std::vector<RuleCounts>& copies) const {
  const Result<std::vector<tap::EndpointReplies>> replies = tap_->Replies();
  if (!replies) {
    spdlog::warn("{}; how the primary answered is not shown", replies.error().message);
    return {};
  }
  return {*snapshot_, *replies, copies, Clock::now() - started_};
}

void Agent::PrintLedger() {
  const Result<LedgerReport> report = ReadLedger(*tap_, *workers_, false);
  if (report) {
    std::fprintf(stderr, "ledger\n%s%s%s", report->ToText().c_str(), ViewReplies(report->rules).ToText().c_str(),
                 Describe().ToText().c_str());
  } else {
    spdlog::error("{}", report.error().message);
  }
}

void Agent::UpdateTaps() {
  if (const Status updated = taps_->Update(); !updated) {
    if (interfaces_pending_) {
      return;
    }
    interfaces_pending_ = true;
    spdlog::warn("{}; looking again in {} ms", updated.error().message, kInterfaceRetry.count());
    loop_.AddTimer(Clock::now() + kInterfaceRetry, [this] {
      interfaces_pending_ = false;
      UpdateTaps();
    });
  }
}

void Agent::LookAtFilters() {
  UpdateTaps();  // a filter that went with its interface was not removed by anybody
  if (const Status looked = taps_->LookAtChanged(); !looked) {
    spdlog::warn("{}; looking at all from time to time instead", looked.error().message);
    loop_.Remove(taps_->filters_fd());
  }
}

void Agent::LookAtTaps() {
  UpdateTaps();
  taps_->LookAtAll();
  loop_.AddTimer(Clock::now() + Taps::kLookInterval, [this] { LookAtTaps(); });
}

void Agent::LookForStuck() {
  workers_->LookForStuck(Clock::now());
  loop_.AddTimer(Clock::now() + Workers::kStuck / 2, [this] { LookForStuck(); });
}

// A worker that ended leaves a ring that nobody reads, and its last beat would soon stop all mirroring without a word.
void Agent::OnFailure() {
  spdlog::error("{}; stopping", workers_->Failure()->message);
  stop_ = true;
}

Status Agent::Run() {
  UpdateTaps();
  Status running = loop_.Add(taps_->fd(), EPOLLIN, [this](uint32_t) { UpdateTaps(); });
  if (running) {
    running = loop_.Add(taps_->filters_fd(), EPOLLIN, [this](uint32_t) { LookAtFilters(); });
  }
  if (running) {
    running = loop_.Add(workers_->failure_fd(), EPOLLIN, [this](uint32_t) { OnFailure(); });
  }
  LookAtTaps();
  LookForStuck();
  LookAtCpu();
  ReloadWhenChanged();
  spdlog::info("ready: {} interfaces tapped, {} workers", tap_->Attachments().size(), options_.tap.rings);
  while (!stop_ && running) {
    running = loop_.RunOnce(std::chrono::seconds(1));
  }
  Status stopped = Shutdown();
  return running ? stopped : running;
}

Status Agent::Shutdown() {
  silence_->Stop();
  if (const Status stopped = tap_->StopSampling(); !stopped) {
    spdlog::warn("{}; the last requests may be missing in the ledger", stopped.error().message);
  }
  workers_->Stop();
  const std::optional<Error> failure = workers_->Failure();
  const Result<LedgerReport> report = ReadLedger(*tap_, *workers_, true);
  const Condition condition = Describe();
  const RepliesView replies = report ? ViewReplies(report->rules) : RepliesView();
  loop_.Remove(taps_->fd());
  loop_.Remove(taps_->filters_fd());
  loop_.Remove(workers_->failure_fd());
  taps_.reset();
  silence_.reset();
  workers_.reset();
  tap_.reset();
  if (!report) {
    return tl::unexpected(report.error());
  }
  std::fprintf(stderr, "final ledger\n%s%s%s", report->ToText().c_str(), replies.ToText().c_str(),
               condition.ToText().c_str());
  spdlog::info("stopped: nothing of rpctee is attached or pinned any more");
  if (!options_.ledger_json_path.empty()) {
    if (Status written = WriteFile(options_.ledger_json_path, replies.AddToJson(condition.AddToJson(report->ToJson())));
        !written) {
      return written;
    }
  }
  return failure ? tl::unexpected(*failure) : Status();
}

}  // namespace rpctee::agent
