#include "base/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace rpctee {
namespace {

constexpr int kMaxEvents = 64;

// The descriptor in the low half, the low bits of the generation in the high half.
uint64_t Token(int fd, uint64_t generation) { return (generation << 32) | static_cast<uint32_t>(fd); }

}  // namespace

Result<EventLoop> EventLoop::Create() {
  EventLoop loop;
  loop.epoll_.Reset(epoll_create1(EPOLL_CLOEXEC));
  if (!loop.epoll_.valid()) {
    return FailErrno("epoll_create1", errno);
  }
  loop.wake_.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!loop.wake_.valid()) {
    return FailErrno("eventfd", errno);
  }
  const int wake_fd = loop.wake_.get();
  Status added = loop.Add(wake_fd, EPOLLIN, [wake_fd](uint32_t) {
    uint64_t count = 0;
    (void)!read(wake_fd, &count, sizeof(count));
  });
  if (!added) {
    return tl::unexpected(added.error());
  }
  return loop;
}

Status EventLoop::Add(int fd, uint32_t events, Callback callback) {
  const uint64_t generation = next_generation_++;
  epoll_event event{};
  event.events = events;
  event.data.u64 = Token(fd, generation);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return FailErrno("epoll_ctl add", errno);
  }
  watches_[fd] = Watch{generation, std::move(callback)};
  return {};
}

Status EventLoop::Modify(int fd, uint32_t events) {
  const auto watch = watches_.find(fd);
  if (watch == watches_.end()) {
    return Fail("epoll_ctl modify: the descriptor is not watched");
  }
  epoll_event event{};
  event.events = events;
  event.data.u64 = Token(fd, watch->second.generation);
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) {
    return FailErrno("epoll_ctl modify", errno);
  }
  return {};
}

void EventLoop::Remove(int fd) {
  if (watches_.erase(fd) != 0) {
    epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  }
}

EventLoop::TimerId EventLoop::AddTimer(TimePoint when, std::function<void()> callback) {
  const TimerId id = next_timer_++;
  timers_.emplace(std::pair{when, id}, std::move(callback));
  timer_times_.emplace(id, when);
  return id;
}

void EventLoop::CancelTimer(TimerId id) {
  const auto time = timer_times_.find(id);
  if (time != timer_times_.end()) {
    timers_.erase({time->second, id});
    timer_times_.erase(time);
  }
}

int EventLoop::WaitMilliseconds(Duration timeout) const {
  Duration wait = timeout;
  if (!timers_.empty()) {
    wait = std::min(wait, timers_.begin()->first.first - Clock::now());
  }
  // Rounded up, so that a timer is due when the wait ends.
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(std::max(wait, Duration::zero())).count();
  return static_cast<int>(std::min<decltype(milliseconds)>(milliseconds, 60'000));
}

Status EventLoop::RunOnce(Duration timeout) {
  std::array<epoll_event, kMaxEvents> events{};
  const int count = epoll_wait(epoll_.get(), events.data(), kMaxEvents, WaitMilliseconds(timeout));
  if (count < 0 && errno != EINTR) {
    return FailErrno("epoll_wait", errno);
  }
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events.at(static_cast<size_t>(i));
    const int fd = static_cast<int>(event.data.u64 & 0xffffffffU);
    const auto watch = watches_.find(fd);
    if (watch != watches_.end() && Token(fd, watch->second.generation) == event.data.u64) {
      // A copy: the callback may remove its own watch.
      const Callback callback = watch->second.callback;
      callback(event.events);
    }
  }
  RunDueTimers();
  return {};
}

void EventLoop::RunDueTimers() {
  const TimePoint now = Clock::now();
  const TimerId first_new = next_timer_;
  for (auto timer = timers_.begin(); timer != timers_.end() && timer->first.first <= now;) {
    if (timer->first.second >= first_new) {
      ++timer;  // added by a callback just now: its turn is the next round, or descriptors would starve
      continue;
    }
    auto node = timers_.extract(timer);
    timer_times_.erase(node.key().second);
    node.mapped()();
    timer = timers_.begin();  // the callback may have changed anything
  }
}

void EventLoop::Wake() const {
  const uint64_t one = 1;
  (void)!write(wake_.get(), &one, sizeof(one));
}

}  // namespace rpctee
