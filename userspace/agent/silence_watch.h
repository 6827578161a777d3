// Looks from time to time whether sockets of endpoints on this node receive bytes that the tap does not see, and says
// so.
//
// Owns a thread of its own, because the look takes it through the network namespaces of pods. SetEndpoints and Stop are
// for the control thread, Silent for any.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>
#include <vector>

#include "agent/silence.h"
#include "base/address.h"
#include "base/clock.h"
#include "base/result.h"
#include "route/snapshot.h"
#include "tap/socket_scan.h"
#include "tap/tap.h"

namespace rpctee::agent {

struct SilenceOptions {
  Duration interval = std::chrono::seconds(30);  // 0 = never
  uint64_t min_bytes = 65'536;                   // less than that between two looks is no reason to speak
  size_t max_cursors = 65'536;                   // the tap's max_flows
};

class SilenceWatch {
 public:
  // Starts the thread, in the network namespace of the caller. `tap` must outlive it.
  SilenceWatch(const tap::Tap& tap, SilenceOptions options);
  ~SilenceWatch();
  SilenceWatch(const SilenceWatch&) = delete;
  SilenceWatch& operator=(const SilenceWatch&) = delete;

  // Whose sockets to look at, from now on. After the tap has heard of them.
  void SetEndpoints(const std::vector<route::EndpointThreshold>& endpoints);
  std::vector<SocketAddress> Silent() const;
  // Waits for the end of a look, half a second at the most.
  void Stop();

 private:
  void Run();
  Status Look();
  Result<SilenceLook::Counts> ReadCounts() const;
  void TellOnce(const tap::SocketScan& scan);
  void Report(const std::vector<SilenceJudge::Change>& changes) const;

  const tap::Tap& tap_;
  const SilenceOptions options_;

  mutable std::mutex mutex_;  // guards these three
  std::condition_variable wake_;
  std::unordered_set<SocketAddress> endpoints_;
  std::vector<SocketAddress> silent_;

  std::atomic<bool> stop_{false};
  // The thread's own.
  SilenceJudge judge_;
  bool told_ = false;
  bool told_cut_short_ = false;
  std::thread thread_;
};

}  // namespace rpctee::agent
