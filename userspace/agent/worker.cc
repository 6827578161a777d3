#include "agent/worker.h"

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>

#include <system_error>
#include <utility>

namespace rpctee::agent {
namespace {

constexpr size_t kBatchRecords = 512;
constexpr Duration kBeatInterval = std::chrono::milliseconds(200);

// What the tap could not be told of a flow: it goes on sending the flow's bytes up, to its own limit.
void LogUntold(const Flow& flow, const Status& told) {
  if (!told) {
    spdlog::debug("{}: {}; the tap goes on sending its bytes up", flow.ToString(), told.error().message);
  }
}

}  // namespace

Result<std::unique_ptr<Worker>> Worker::Create(tap::Tap& tap, size_t ring, MirrorLog& mirror_log,
                                               const WorkerOptions& options) {
  if (const Status markable = mirror::Mirror::CheckSocketMark(options.mirror.socket_mark); !markable) {
    return WithContext("mirror.socket_mark", markable.error());
  }
  Result<EventLoop> loop = EventLoop::Create();
  if (!loop) {
    return tl::unexpected(loop.error());
  }
  std::unique_ptr<Worker> worker(new Worker(tap, ring, mirror_log, options, std::move(*loop)));
  // Nothing to do when it is readable: the round that follows takes the records.
  if (const Status added = worker->loop_.Add(tap.ring_fd(ring), EPOLLIN, [](uint32_t) {}); !added) {
    return WithContext("ring buffer", added.error());
  }
  worker->Beat(Clock::now());
  return worker;
}

Worker::Worker(tap::Tap& tap, size_t ring, MirrorLog& mirror_log, const WorkerOptions& options, EventLoop loop)
    : tap_(tap),
      ring_(ring),
      mirror_log_(mirror_log),
      options_(options),
      loop_(std::move(loop)),
      mirror_(loop_, *this, options.mirror),
      pipeline_(ledger_, &mirror_, *this, options.pipeline) {}

Worker::~Worker() { Stop(); }

Status Worker::Start(OnFailure on_failure) {
  on_failure_ = std::move(on_failure);
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    return Fail(std::string("start a thread: ") + error.what());
  }
  (void)::pthread_setname_np(thread_.native_handle(), name().c_str());
  return {};
}

void Worker::Publish(std::shared_ptr<const route::Snapshot> snapshot) {
  {
    const std::lock_guard lock(mutex_);
    next_snapshot_ = std::move(snapshot);
  }
  loop_.Wake();
}

void Worker::BeginStop() {
  stop_.store(true, std::memory_order_relaxed);
  loop_.Wake();
}

void Worker::Stop() {
  if (!thread_.joinable()) {
    return;
  }
  BeginStop();
  thread_.join();
  if (!has_finished_) {
    (void)Finish();  // it has failed, and said so
  }
}

void Worker::BeginCounts() {
  {
    const std::lock_guard lock(mutex_);
    counts_are_wanted_ = true;
  }
  loop_.Wake();
}

LedgerCounts Worker::Counts(TimePoint deadline) {
  if (!thread_.joinable()) {
    return AllCounts();
  }
  std::unique_lock lock(mutex_);
  if (counted_.wait_until(lock, deadline, [this] { return !counts_are_wanted_; })) {
    return counts_;
  }
  LedgerCounts counts = ledger_.Counts();
  counts.rules = counts_.rules;
  counts.mirrors = counts_.mirrors;
  return counts;
}

LedgerCounts Worker::AllCounts() const {
  LedgerCounts counts = ledger_.AllCounts();
  counts.mirrors = mirror_.Counts();
  return counts;
}

void Worker::Run() {
  Status running;
  while (running && !stop_.load(std::memory_order_relaxed)) {
    const Result<size_t> records = Round();
    if (!records) {
      running = tl::unexpected(records.error());
    } else {
      running = *records == 0 ? TakeRest(Clock::now()) : loop_.RunOnce(Duration::zero());
    }
  }
  if (running) {
    has_finished_ = true;
    running = Finish();
  }
  if (!running) {
    on_failure_(Error{name() + ": " + running.error().message});
  }
}

Status Worker::RunUntilDrained() {
  Status running;
  while (true) {
    const Result<size_t> records = Round();
    if (!records) {
      return tl::unexpected(records.error());
    }
    if (*records == 0) {
      return running;
    }
    // What is in the ring is to be booked, also when the connections can't be served any more.
    if (const Status ran = loop_.RunOnce(Duration::zero()); !ran) {
      running = ran;
    }
  }
}

Status Worker::FinishFlows() {
  Status drained = RunUntilDrained();
  pipeline_.FinishFlows(Clock::now());
  return drained;
}

Status Worker::Finish() {
  Status finished = FinishFlows();
  if (finished) {
    AwaitAnswers();
  }
  pipeline_.Stop();
  mirror_.Stop();
  TellCounts();
  return finished;
}

Result<size_t> Worker::Round() {
  const TimePoint now = Clock::now();
  TakeSnapshot();
  pipeline_.SetSamplingFactor(SamplingFactor::FromSteps(factor_steps_.load(std::memory_order_relaxed)));
  Beat(now);
  const Result<size_t> records =
      tap_.Drain(ring_, kBatchRecords, [this, now](const CapturedRecord& record) { pipeline_.Take(record, now); });
  mirror_.Flush();
  pipeline_.Expire(now);
  TellCounts();
  return records;
}

Status Worker::TakeRest(TimePoint now) {
  const Pause pause = rest_.Next(now);
  Status rested;
  if (!pause.asleep) {
    rested = loop_.RunOnce(pause.length);
  } else if (tap_.SetAsleep(ring_, true)) {
    rested = loop_.RunOnce(pause.length);
    tap_.SetAsleep(ring_, false);
  }
  rest_.Looked(Clock::now(), tap_.Filled(ring_));
  return rested;
}

void Worker::TakeSnapshot() {
  std::shared_ptr<const route::Snapshot> snapshot;
  {
    const std::lock_guard lock(mutex_);
    snapshot = std::exchange(next_snapshot_, nullptr);
  }
  if (snapshot != nullptr) {
    mirror_.SetClusters(snapshot->clusters());
    pipeline_.SetSnapshot(std::move(snapshot));
  }
}

void Worker::Beat(TimePoint now) {
  if (now - last_beat() >= kBeatInterval) {
    tap_.Heartbeat(ring_);
    last_beat_.store(now, std::memory_order_relaxed);
  }
}

// At the end of a round, when every request and copy is either booked or held by somebody.
void Worker::TellCounts() {
  ledger_.SetOpen(pipeline_.open());
  ledger_.SetInFlight(mirror_.in_flight());
  const std::lock_guard lock(mutex_);
  if (counts_are_wanted_) {
    counts_ = AllCounts();
    counts_are_wanted_ = false;
    counted_.notify_one();
  }
}

void Worker::AwaitAnswers() {
  const TimePoint deadline = Clock::now() + options_.shutdown_grace;
  while (mirror_.in_flight() != 0 && Clock::now() < deadline) {
    mirror_.Flush();
    if (!loop_.RunOnce(std::chrono::milliseconds(10))) {
      return;
    }
  }
}

void Worker::TakeBack(const Flow& flow, uint64_t flow_id, uint32_t holes, Content protocol) {
  LogUntold(flow, tap_.TakeBack(flow, flow_id, holes, protocol));
}

void Worker::GiveUp(const Flow& flow, uint64_t flow_id, uint32_t holes) {
  LogUntold(flow, tap_.GiveUp(flow, flow_id, holes));
}

void Worker::GoOn(const Flow& flow, uint64_t flow_id, uint32_t holes) {
  LogUntold(flow, tap_.GoOn(flow, flow_id, holes));
}

void Worker::Ignore(const Flow& flow, uint64_t flow_id, uint32_t holes, Content kind) {
  LogUntold(flow, tap_.Ignore(flow, flow_id, holes, kind));
}

void Worker::OnCopySent(uint32_t rule, const SocketAddress& endpoint) { ledger_.CopySent(rule, &endpoint); }

void Worker::OnCopyEnd(const mirror::CopyEnd& end) {
  ledger_.EndCopy(end.outcome, end.rule, end.endpoint, end.latency);
}

void Worker::OnConnectionOpened(const SocketAddress& local, const SocketAddress& remote) {
  if (const Status added = tap_.AddOwnConnection(local, remote); !added) {
    spdlog::warn("own connection {} > {}: {}; only the socket mark keeps it from being mirrored", local.ToString(),
                 remote.ToString(), added.error().message);
  }
  spdlog::debug("mirror {}: connecting from {}", remote.ToString(), local.ToString());
}

void Worker::OnConnectionClosed(const SocketAddress& local, const SocketAddress& remote, const std::string& reason) {
  tap_.RemoveOwnConnection(local, remote);
  if (const std::optional<std::string> line = mirror_log_.OnClosed(remote, reason, Clock::now())) {
    spdlog::info("{}", *line);
  }
}

void Worker::OnConnectFailed(const SocketAddress& remote, const std::string& reason) {
  if (const std::optional<std::string> line = mirror_log_.OnClosed(remote, reason, Clock::now())) {
    spdlog::warn("{}", *line);
  }
}

void Worker::OnEndpointOut(const SocketAddress& endpoint, Duration time) {
  if (const std::optional<std::string> line = mirror_log_.OnOut(endpoint, time)) {
    spdlog::warn("{}", *line);
  }
}

void Worker::OnEndpointBack(const SocketAddress& endpoint) {
  if (const std::optional<std::string> line = mirror_log_.OnBack(endpoint)) {
    spdlog::info("{}", *line);
  }
}

}  // namespace rpctee::agent
