// One epoll set with callbacks and timers: the loop of a worker, and the one of the control thread.
//
// Not thread safe: every call comes from the thread that runs the loop, except Wake(), which any thread may call.
// Owns its epoll and wake-up descriptors; watched descriptors stay with their owners, who must Remove() before closing.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <unordered_map>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace rpctee {

class EventLoop {
 public:
  // events: EPOLLIN, EPOLLOUT, ... as reported by epoll.
  using Callback = std::function<void(uint32_t events)>;
  using TimerId = uint64_t;

  static Result<EventLoop> Create();

  Status Add(int fd, uint32_t events, Callback callback);
  Status Modify(int fd, uint32_t events);
  void Remove(int fd);

  // Runs once, at or after `when`. The id is never 0.
  TimerId AddTimer(TimePoint when, std::function<void()> callback);
  void CancelTimer(TimerId id);

  // Waits at most `timeout` (not at all if 0) for descriptors or the next timer, then runs what is due. A callback may
  // add and remove anything, itself included.
  Status RunOnce(Duration timeout);
  // Makes a RunOnce that waits return.
  void Wake() const;

 private:
  EventLoop() = default;
  int WaitMilliseconds(Duration timeout) const;
  void RunDueTimers();

  struct Watch {
    uint64_t generation;  // tells a reused descriptor number from the one an event was meant for
    Callback callback;
  };

  Fd epoll_;
  Fd wake_;
  uint64_t next_generation_ = 1;
  uint64_t next_timer_ = 1;
  std::unordered_map<int, Watch> watches_;
  std::map<std::pair<TimePoint, TimerId>, std::function<void()>> timers_;
  std::unordered_map<TimerId, TimePoint> timer_times_;
};

}  // namespace rpctee
