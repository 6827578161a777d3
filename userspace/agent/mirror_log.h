// Says in the log that connections to a mirror fail, without flooding it: one line for an endpoint in each interval,
// with the number of failures that it stands for.
//
// Any thread; the workers share one. Remembers kMaxEndpoints endpoints at most; when there are more it forgets all and
// starts again.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/address.h"
#include "base/clock.h"

namespace rpctee::agent {

class MirrorLog {
 public:
  static constexpr Duration kInterval = std::chrono::seconds(10);
  static constexpr size_t kMaxEndpoints = 4'096;

  // The line to log now, or nothing.
  std::optional<std::string> OnClosed(const SocketAddress& mirror, const std::string& reason, TimePoint now);
  // It gets no copies for a time; it gets copies again. Told once for all workers, and of one that goes on failing
  // once.
  std::optional<std::string> OnOut(const SocketAddress& mirror, Duration time);
  std::optional<std::string> OnBack(const SocketAddress& mirror);

 private:
  struct State {
    TimePoint last_line;
    uint64_t since = 0;  // failures that no line told yet
  };
  std::mutex mutex_;
  std::unordered_map<SocketAddress, State> states_;
  std::unordered_set<SocketAddress> out_;
};

}  // namespace rpctee::agent
