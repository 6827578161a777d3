#include "tap/control_page.h"

#include <unistd.h>

#include <algorithm>

namespace rpctee::tap {

Result<ControlPage> ControlPage::Map(int control_fd, int workers_fd, uint32_t workers) {
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  static_assert(RPCTEE_RINGS_MAX * sizeof(rpctee_worker) <= 4096, "one page holds all workers");
  Result<Mapping> control = Mapping::Map(control_fd, page, PROT_READ | PROT_WRITE, 0);
  if (!control) {
    return tl::unexpected(control.error());
  }
  Result<Mapping> asleep = Mapping::Map(workers_fd, page, PROT_READ | PROT_WRITE, 0);
  if (!asleep) {
    return tl::unexpected(asleep.error());
  }
  return ControlPage(std::move(*control), std::move(*asleep), workers);
}

// Stop sets the flag and then the zero; a beat that comes between writes its time and then sees the flag. Whatever the
// order, the last write is a zero.
void ControlPage::Heartbeat(size_t worker, uint64_t now_ns) {
  beats_->latest.at(worker).store(now_ns, std::memory_order_relaxed);
  uint64_t oldest = now_ns;
  for (const std::atomic<uint64_t>& beat : beats_->latest) {
    oldest = std::min(oldest, beat.load(std::memory_order_relaxed));
  }
  const std::atomic_ref heartbeat(control().heartbeat_ns);
  if (beats_->stopped.load()) {
    return;
  }
  std::atomic_ref(control().joins_left).store(kJoinsPerBeat, std::memory_order_relaxed);
  heartbeat.store(oldest);
  if (beats_->stopped.load()) {
    heartbeat.store(0);
  }
}

void ControlPage::Stop() {
  beats_->stopped.store(true);
  std::atomic_ref(control().heartbeat_ns).store(0);
}

void ControlPage::SetAsleep(size_t worker, bool asleep) {
  rpctee_worker& shared = reinterpret_cast<rpctee_worker*>(workers_.data())[worker];
  // Sequentially consistent, so that a look at the ring afterwards can't be moved before it.
  std::atomic_ref(shared.asleep).store(asleep ? 1 : 0);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

// One writer, the control thread.
void ControlPage::NextGeneration() {
  const std::atomic_ref generation(control().generation);
  const uint32_t next = generation.load(std::memory_order_relaxed) + 1;
  generation.store(next == 0 ? 1 : next);
}

void ControlPage::AllowAnyEndpoint() { std::atomic_ref(control().any_endpoint).store(1); }

}  // namespace rpctee::tap
