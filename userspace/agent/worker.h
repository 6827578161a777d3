// A worker: takes records from one ring and writes copies to the mirrors, in one loop, with nothing between.
//
// Owns its thread, its event loop, its connections, its unfinished requests and its ledger; the tap and the log of
// mirrors are shared with the other workers. While it runs it is the one that tells the tap that somebody reads the
// ring. Public methods are for the control thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "agent/mirror_log.h"
#include "agent/pipeline.h"
#include "agent/rest.h"
#include "base/clock.h"
#include "base/event_loop.h"
#include "base/ledger.h"
#include "base/result.h"
#include "mirror/mirror.h"
#include "route/snapshot.h"
#include "tap/tap.h"

namespace rpctee::agent {

struct WorkerOptions {
  PipelineOptions pipeline;
  mirror::MirrorOptions mirror;
  Duration shutdown_grace = std::chrono::seconds(2);
};

class Worker final : private mirror::MirrorObserver, private FlowControl {
 public:
  // On the worker's thread, which ends then.
  using OnFailure = std::function<void(const Error& error)>;

  // The worker of one of the tap's rings. `tap` and `mirror_log` must outlive it.
  static Result<std::unique_ptr<Worker>> Create(tap::Tap& tap, size_t ring, MirrorLog& mirror_log,
                                                const WorkerOptions& options);
  ~Worker() override;

  Status Start(OnFailure on_failure);
  // Takes effect at the worker's next round.
  void Publish(std::shared_ptr<const route::Snapshot> snapshot);
  // On the shares of all rules; takes effect at the next round.
  void SetSamplingFactor(SamplingFactor factor) { factor_steps_.store(factor.steps(), std::memory_order_relaxed); }
  // Empties the ring, waits up to the grace for answers, closes connections, ends the thread. To be called after the
  // tap has stopped sampling. BeginStop does not wait for the end, so that several workers stop at a time.
  void BeginStop();
  void Stop();

  // The counts as they stand between two rounds. BeginCounts asks for them; a worker that does not come round by then
  // gives what it has.
  void BeginCounts();
  LedgerCounts Counts(TimePoint deadline);
  // When it came round last, to a fraction of a second.
  TimePoint last_beat() const { return last_beat_.load(std::memory_order_relaxed); }
  // "rpctee-w0"; the thread's name.
  std::string name() const { return "rpctee-w" + std::to_string(ring_); }

  // For the program that runs without a thread of its own (replay), not together with Start: before the first round.
  void SetOnMirrored(Pipeline::OnMirrored on_mirrored) { pipeline_.SetOnMirrored(std::move(on_mirrored)); }
  // Runs rounds on the calling thread until the ring is empty.
  Status RunUntilDrained();
  // The same, and no more will come of the flows so far.
  Status FinishFlows();
  // Waits up to the grace until no copy is unanswered.
  void AwaitAnswers();
  // Stop, for a worker that was not started. Whatever fails, every request and copy is booked.
  Status Finish();

 private:
  Worker(tap::Tap& tap, size_t ring, MirrorLog& mirror_log, const WorkerOptions& options, EventLoop loop);

  void Run();
  // Takes a batch of records and sends what came of it. Returns how many records there were.
  Result<size_t> Round();
  // To be called when the ring is empty.
  Status TakeRest(TimePoint now);
  void TakeSnapshot();
  void Beat(TimePoint now);
  void TellCounts();
  // With what is told by rule and by mirror; for the worker's own thread, or when there is none.
  LedgerCounts AllCounts() const;

  void TakeBack(const Flow& flow, uint64_t flow_id, uint32_t holes, Content protocol) override;
  void GiveUp(const Flow& flow, uint64_t flow_id, uint32_t holes) override;
  void GoOn(const Flow& flow, uint64_t flow_id, uint32_t holes) override;
  void Ignore(const Flow& flow, uint64_t flow_id, uint32_t holes, Content kind) override;
  void OnCopySent(uint32_t rule, const SocketAddress& endpoint) override;
  void OnCopyEnd(const mirror::CopyEnd& end) override;
  void OnConnectionOpened(const SocketAddress& local, const SocketAddress& remote) override;
  void OnConnectionClosed(const SocketAddress& local, const SocketAddress& remote, const std::string& reason) override;
  void OnConnectFailed(const SocketAddress& remote, const std::string& reason) override;
  void OnEndpointOut(const SocketAddress& endpoint, Duration time) override;
  void OnEndpointBack(const SocketAddress& endpoint) override;

  tap::Tap& tap_;
  const size_t ring_;
  MirrorLog& mirror_log_;
  const WorkerOptions options_;
  Ledger ledger_;
  EventLoop loop_;
  mirror::Mirror mirror_;
  Pipeline pipeline_;
  Rest rest_;
  std::atomic<TimePoint> last_beat_{};
  std::atomic<uint32_t> factor_steps_{SamplingFactor().steps()};

  std::mutex mutex_;  // guards these three
  std::shared_ptr<const route::Snapshot> next_snapshot_;
  LedgerCounts counts_;
  bool counts_are_wanted_ = false;
  std::condition_variable counted_;

  OnFailure on_failure_;
  bool has_finished_ = false;  // the thread's, until it is joined
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace rpctee::agent
