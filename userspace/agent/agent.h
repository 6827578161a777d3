// The composition root: starts the parts in order, keeps them going, stops them in order.
//
// Runs on the main thread, which is also the control thread: signals, interfaces, route files. The workers have their
// own, and so has the watch for silence. A worker that fails ends the agent with an error: a part of the connections
// would not be mirrored any more.
// SIGTERM and SIGINT stop it, SIGUSR1 prints the ledger, SIGHUP reads the route files again at once.
#pragma once

#include <memory>
#include <string>

#include "agent/cpu_watch.h"
#include "agent/options.h"
#include "agent/replies_view.h"
#include "agent/route_loader.h"
#include "agent/silence_watch.h"
#include "agent/workers.h"
#include "base/event_loop.h"
#include "base/fd.h"
#include "base/result.h"

namespace rpctee::agent {

class Agent {
 public:
  // Blocks the signals it handles, so call it before any thread is started.
  static Result<std::unique_ptr<Agent>> Start(AgentOptions options);
  ~Agent();

  // Until a signal says stop, or something fails for good. Then everything is stopped, detached and removed, and the
  // final ledger printed.
  Status Run();

 private:
  Agent(AgentOptions options, EventLoop loop)
      : options_(std::move(options)), loop_(std::move(loop)), loader_(options_.routes), cpu_(options_.max_cpu) {}

  Status WatchSignals();
  void OnSignal(int signal);
  Status ApplyRoutes(const std::shared_ptr<const route::Snapshot>& snapshot);
  // Keeps the last good set when the files can't be used.
  void Reload();
  void ReloadWhenChanged();
  // Follows changes of interfaces; what can't be read now is read again soon.
  void UpdateTaps();
  // Puts back what others removed, when the kernel tells of it and from time to time.
  void LookAtFilters();
  void LookAtTaps();
  // Tells of workers that do not come round.
  void LookForStuck();
  // Lowers and raises what is sampled, by the CPU time that the agent takes.
  void LookAtCpu();
  // The snapshot's, by the present factor.
  Status SetThresholds(const route::Snapshot& snapshot);
  // Stops, because a worker has failed.
  void OnFailure();
  Condition Describe() const;
  RepliesView ViewReplies(const std::vector<RuleCounts>& copies) const;
  void PrintLedger();
  Status Shutdown();

  AgentOptions options_;
  EventLoop loop_;
  RouteLoader loader_;
  Fd signals_;
  const TimePoint started_ = Clock::now();
  std::shared_ptr<const route::Snapshot> snapshot_;  // the one that applies
  std::unique_ptr<tap::Tap> tap_;
  std::unique_ptr<Taps> taps_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<SilenceWatch> silence_;
  CpuWatch cpu_;
  bool interfaces_pending_ = false;  // a timer is set for another try
  bool stop_ = false;
};

}  // namespace rpctee::agent
