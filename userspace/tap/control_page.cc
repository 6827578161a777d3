#include "tap/control_page.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>

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

void ControlPage::Heartbeat(size_t worker, uint64_t now_ns) {
  const std::lock_guard lock(beats_->mutex);
  if (beats_->stopped) {
    return;
  }
  beats_->latest.at(worker) = now_ns;
  std::atomic_ref(control().joins_left).store(kJoinsPerBeat, std::memory_order_relaxed);
  std::atomic_ref(control().heartbeat_ns).store(*std::min_element(beats_->latest.begin(), beats_->latest.end()));
}

void ControlPage::Stop() {
  const std::lock_guard lock(beats_->mutex);
  beats_->stopped = true;
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
