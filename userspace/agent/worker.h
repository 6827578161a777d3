// The worker: takes records from the ring and writes copies to the mirrors, in one loop, with nothing between.
//
// Owns its thread, its event loop, its connections and its unfinished requests. Publish, Stop and Connections are for
// the control thread. While it runs it is the one that tells the tap that somebody reads the ring.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "agent/mirror_log.h"
#include "agent/pipeline.h"
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
  // The worker of one of the tap's rings. `tap` and `ledger` must outlive it.
  static Result<std::unique_ptr<Worker>> Create(tap::Tap& tap, size_t ring, Ledger& ledger,
                                                const WorkerOptions& options);
  ~Worker() override;

  void Start();
  // Takes effect at the worker's next round.
  void Publish(std::shared_ptr<const route::Snapshot> snapshot);
  // Empties the ring, waits up to the grace for answers, closes connections, ends the thread. Call after the tap has
  // stopped sampling.
  void Stop();

  // For the program that runs without a thread of its own (replay): before the first round.
  void SetOnMirrored(Pipeline::OnMirrored on_mirrored) { pipeline_.SetOnMirrored(std::move(on_mirrored)); }
  // Runs rounds on the calling thread until the ring is empty. Not together with Start.
  void RunUntilDrained();
  // The same, and no more will come of the flows so far.
  void FinishFlows();
  // Stop, for a worker that was not started.
  void Finish();

 private:
  Worker(tap::Tap& tap, size_t ring, Ledger& ledger, const WorkerOptions& options, EventLoop loop);

  void Run();
  // Takes a batch of records and sends what came of it. Returns how many records there were.
  size_t Round();
  void Rest(TimePoint now);
  void TakeSnapshot();
  void Beat(TimePoint now);
  void AwaitAnswers();

  void TakeBack(const Flow& flow, uint64_t flow_id, uint32_t holes, Content protocol) override;
  void GiveUp(const Flow& flow, uint64_t flow_id) override;
  void GoOn(const Flow& flow, uint64_t flow_id) override;
  void Ignore(const Flow& flow, uint64_t flow_id, Content kind) override;
  void OnCopySent(uint32_t rule) override;
  void OnCopyEnd(uint32_t rule, CopyOutcome outcome) override;
  void OnConnectionOpened(const SocketAddress& local, const SocketAddress& remote) override;
  void OnConnectionClosed(const SocketAddress& local, const SocketAddress& remote, const std::string& reason) override;
  void OnConnectFailed(const SocketAddress& remote, const std::string& reason) override;

  tap::Tap& tap_;
  const size_t ring_;
  Ledger& ledger_;
  WorkerOptions options_;
  EventLoop loop_;
  mirror::Mirror mirror_;
  Pipeline pipeline_;
  TimePoint last_record_{};
  TimePoint last_beat_{};
  MirrorLog mirror_log_;

  std::mutex mutex_;  // guards next_snapshot_
  std::shared_ptr<const route::Snapshot> next_snapshot_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace rpctee::agent
