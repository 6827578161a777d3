#include "tap/control_page.h"

#include <unistd.h>

namespace rpctee::tap {

Result<ControlPage> ControlPage::Map(int fd) {
  Result<Mapping> page = Mapping::Map(fd, static_cast<size_t>(::sysconf(_SC_PAGESIZE)), PROT_READ | PROT_WRITE, 0);
  if (!page) {
    return tl::unexpected(page.error());
  }
  return ControlPage(std::move(*page));
}

// Stop sets the flag and then the zero; a beat that comes between writes its time and then sees the flag. Whatever the
// order, the last write is a zero.
void ControlPage::Heartbeat(uint64_t now_ns) {
  const std::atomic_ref heartbeat(control().heartbeat_ns);
  if (stopped_->load()) {
    return;
  }
  heartbeat.store(now_ns);
  if (stopped_->load()) {
    heartbeat.store(0);
  }
}

void ControlPage::Stop() {
  stopped_->store(true);
  std::atomic_ref(control().heartbeat_ns).store(0);
}

void ControlPage::SetAsleep(bool asleep) {
  // Sequentially consistent, so that a look at the ring afterwards can't be moved before it.
  std::atomic_ref(control().worker_asleep).store(asleep ? 1 : 0);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

void ControlPage::AllowAnyEndpoint() { std::atomic_ref(control().any_endpoint).store(1); }

}  // namespace rpctee::tap
