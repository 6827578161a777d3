#include "socket_stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace rpctee::sample {
namespace {

constexpr size_t kReadBytes = 256 * 1024;
constexpr int kReadsInARow = 4;  // then others get their turn
constexpr int kBacklog = 1024;
constexpr size_t kEventsAtOnce = 256;

bool IsTransient(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

}  // namespace

void SocketStream::MakeRoom() {
  if (consumed_ == filled_) {
    consumed_ = filled_ = 0;
  }
  if (input_.size() - filled_ >= kReadBytes) {
    return;
  }
  if (consumed_ > 0) {
    std::memmove(input_.data(), input_.data() + consumed_, filled_ - consumed_);
    filled_ -= consumed_;
    consumed_ = 0;
  }
  if (input_.size() - filled_ < kReadBytes) {
    input_.resize(std::max(input_.size() * 2, filled_ + kReadBytes));
  }
}

bool SocketStream::Read() {
  for (int i = 0; i < kReadsInARow; ++i) {
    MakeRoom();
    const size_t room = input_.size() - filled_;
    const ssize_t got = ::recv(fd_.get(), input_.data() + filled_, room, 0);
    if (got == 0) {
      return false;
    }
    if (got < 0) {
      return IsTransient(errno);
    }
    if (record_) {
      record_->Received(Bytes(input_).subspan(filled_, static_cast<size_t>(got)));
    }
    filled_ += static_cast<size_t>(got);
    if (static_cast<size_t>(got) < room) {
      return true;
    }
  }
  return true;
}

bool SocketStream::Flush() {
  while (sent_ < output_.size()) {
    const ssize_t put = ::send(fd_.get(), output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
    if (put < 0) {
      const bool alive = IsTransient(errno);
      if (sent_ > kReadBytes) {
        output_.erase(0, sent_);
        sent_ = 0;
      }
      return alive;
    }
    if (record_) {
      record_->Sent({reinterpret_cast<const uint8_t*>(output_.data()) + sent_, static_cast<size_t>(put)});
    }
    sent_ += static_cast<size_t>(put);
  }
  output_.clear();
  sent_ = 0;
  return true;
}

bool SocketStream::FinishAndRead(std::chrono::milliseconds timeout) {
  ::shutdown(fd_.get(), SHUT_WR);
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (Read()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd poll_fd{.fd = fd_.get(), .events = POLLIN, .revents = 0};
    if (left.count() <= 0 || ::poll(&poll_fd, 1, static_cast<int>(left.count())) < 0) {
      return false;
    }
  }
  return true;
}

Result<EpollSet> EpollSet::Create() {
  EpollSet set;
  set.epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  if (!set.epoll_.valid()) {
    return FailErrno("epoll_create1", errno);
  }
  return set;
}

Status EpollSet::Add(int fd, uint64_t number, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = number;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return FailErrno("epoll_ctl", errno);
  }
  return {};
}

void EpollSet::Modify(int fd, uint64_t number, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = number;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

const std::vector<epoll_event>& EpollSet::Wait(int timeout_ms) {
  events_.resize(kEventsAtOnce);
  const int count = ::epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), timeout_ms);
  events_.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return events_;
}

Result<Fd> Listen(const SocketAddress& address) {
  sockaddr_storage storage{};
  const uint32_t length = address.ToSockaddr(storage);
  Fd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return FailErrno("listen on " + address.ToString(), errno);
  }
  return fd;
}

Result<Fd> Connect(const SocketAddress& address) {
  sockaddr_storage storage{};
  const uint32_t length = address.ToSockaddr(storage);
  Fd fd(::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
    return FailErrno("connect to " + address.ToString(), errno);
  }
  if (const Status status = Prepare(fd.get()); !status) {
    return tl::unexpected(status.error());
  }
  return fd;
}

Status Prepare(int fd) {
  const int on = 1;
  if (::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 ||
      ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) {
    return FailErrno("set socket options", errno);
  }
  return {};
}

SocketAddress LocalAddress(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  return SocketAddress::FromSockaddr(storage);
}

SocketAddress PeerAddress(int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof(storage);
  ::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &length);
  return SocketAddress::FromSockaddr(storage);
}

Result<Fd> SignalFd() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGUSR1}) {
    sigaddset(&set, number);
  }
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) {
    return FailErrno("signalfd", errno);
  }
  return fd;
}

int NextSignal(int signal_fd) {
  signalfd_siginfo info{};
  return ::read(signal_fd, &info, sizeof(info)) == sizeof(info) ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace rpctee::sample
