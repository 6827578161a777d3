#include "agent/workers.h"

#include <spdlog/spdlog.h>
#include <sys/eventfd.h>

#include <cerrno>

namespace rpctee::agent {
Result<std::unique_ptr<Workers>> Workers::Create(tap::Tap& tap, size_t count, WorkerOptions options) {
  options.pipeline.limits.max_bytes /= count;
  options.pipeline.stream_limits.max_bytes /= count;
  Fd failed(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!failed.valid()) {
    return FailErrno("eventfd", errno);
  }
  std::unique_ptr<Workers> workers(new Workers(std::move(failed)));
  for (size_t ring = 0; ring < count; ++ring) {
    Result<std::unique_ptr<Worker>> worker = Worker::Create(tap, ring, workers->mirror_log_, options);
    if (!worker) {
      return WithContext("worker " + std::to_string(ring), worker.error());
    }
    workers->workers_.push_back({.worker = std::move(*worker)});
  }
  return workers;
}

Status Workers::Start() {
  for (const Entry& entry : workers_) {
    const Status started = entry.worker->Start([this](const Error& error) { OnFailure(error); });
    if (!started) {
      Stop();
      return WithContext(entry.worker->name(), started.error());
    }
  }
  return {};
}

void Workers::Publish(const std::shared_ptr<const route::Snapshot>& snapshot) {
  for (const Entry& entry : workers_) {
    entry.worker->Publish(snapshot);
  }
}

void Workers::SetSamplingFactor(SamplingFactor factor) {
  for (const Entry& entry : workers_) {
    entry.worker->SetSamplingFactor(factor);
  }
}

void Workers::Stop() {
  for (const Entry& entry : workers_) {
    entry.worker->BeginStop();
  }
  for (const Entry& entry : workers_) {
    entry.worker->Stop();
  }
}

void Workers::OnFailure(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_) {
      return;  // the first one says why
    }
    failure_ = error;
  }
  const uint64_t one = 1;
  (void)!::write(failed_.get(), &one, sizeof(one));
}

std::optional<Error> Workers::Failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

LedgerCounts Workers::Counts(TimePoint deadline) {
  for (const Entry& entry : workers_) {
    entry.worker->BeginCounts();
  }
  LedgerCounts sum;
  for (const Entry& entry : workers_) {
    sum += entry.worker->Counts(deadline);
  }
  return sum;
}

void Workers::LookForStuck(TimePoint now) {
  for (Entry& entry : workers_) {
    const Duration since = now - entry.worker->last_beat();
    if (since < kStuck) {
      if (entry.is_stuck) {
        spdlog::warn("{} comes round again, and requests are mirrored again", entry.worker->name());
      }
      entry.is_stuck = false;
    } else if (!entry.is_stuck) {
      entry.is_stuck = true;
      spdlog::error("{} has not come round for {} s; no request is mirrored until it does", entry.worker->name(),
                    std::chrono::duration_cast<std::chrono::seconds>(since).count());
    }
  }
}

}  // namespace rpctee::agent
