// All workers of the agent, one for each of the tap's rings: started, told and stopped together.
//
// Control thread. Owns the workers, and the log of mirrors that they share.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "agent/mirror_log.h"
#include "agent/worker.h"
#include "base/fd.h"
#include "base/ledger.h"
#include "base/result.h"
#include "route/snapshot.h"
#include "tap/tap.h"

namespace rpctee::agent {

class Workers {
 public:
  // A worker that has not come round for so long is told of. The tap has stopped by itself by then.
  static constexpr Duration kStuck = std::chrono::seconds(3);

  // `count` must be the tap's number of rings. The limit on memory for unfinished requests is of all together.
  static Result<std::unique_ptr<Workers>> Create(tap::Tap& tap, size_t count, WorkerOptions options);

  // Either all run afterwards, or none.
  Status Start();
  void Publish(const std::shared_ptr<const route::Snapshot>& snapshot);
  void SetSamplingFactor(SamplingFactor factor);
  // All at a time, so that the grace passes once. To be called after the tap has stopped sampling.
  void Stop();

  // Readable when a worker's thread has ended by an error. Its ring is read by nobody then.
  int failure_fd() const { return failed_.get(); }
  // Why; none when all is well.
  std::optional<Error> Failure() const;

  // The sum of the workers' counts, each as it stands between two rounds; of one that does not come round by then, as
  // it stands at that time.
  LedgerCounts Counts(TimePoint deadline);
  // Logs who is stuck and who has come back.
  void LookForStuck(TimePoint now);

 private:
  explicit Workers(Fd failed) : failed_(std::move(failed)) {}
  void OnFailure(const Error& error);

  MirrorLog mirror_log_;
  Fd failed_;
  mutable std::mutex mutex_;  // guards failure_
  std::optional<Error> failure_;
  struct Entry {
    std::unique_ptr<Worker> worker;
    bool is_stuck = false;
  };
  std::vector<Entry> workers_;  // last: their threads use the members above
};

}  // namespace rpctee::agent
