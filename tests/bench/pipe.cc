#include "pipe.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace rpctee::bench {
namespace {

// More than one write, so that a write never blocks.
constexpr int kBufferBytes = 4 << 20;
constexpr int kReceiveTimeoutMs = 5000;

Status SetOption(int fd, int level, int option, int value, const char* what) {
  if (::setsockopt(fd, level, option, &value, sizeof(value)) != 0) {
    return FailErrno(what, errno);
  }
  return {};
}

Result<Fd> OpenSocket(const std::string& network_namespace) {
  if (const Status entered = EnterNamespace(network_namespace); !entered) {
    return tl::unexpected(entered.error());
  }
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) {
    return FailErrno("socket", errno);
  }
  for (const int option : {SO_SNDBUFFORCE, SO_RCVBUFFORCE}) {
    if (const Status set = SetOption(fd.get(), SOL_SOCKET, option, kBufferBytes, "socket buffer"); !set) {
      return tl::unexpected(set.error());
    }
  }
  return fd;
}

}  // namespace

Status EnterNamespace(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid() || ::setns(fd.get(), CLONE_NEWNET) != 0) {
    return FailErrno("enter " + path, errno);
  }
  return {};
}

Result<Pipe> Pipe::Open(const std::string& sender_namespace, const std::string& receiver_namespace,
                        const SocketAddress& to) {
  sockaddr_storage address{};
  const socklen_t address_bytes = to.ToSockaddr(address);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const Result<Fd> listener = OpenSocket(receiver_namespace);
  if (!listener) {
    return tl::unexpected(listener.error());
  }
  // Connections of other pipes live on this port.
  if (const Status set = SetOption(listener->get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR"); !set) {
    return tl::unexpected(set.error());
  }
  if (::bind(listener->get(), generic, address_bytes) != 0 || ::listen(listener->get(), 1) != 0) {
    return FailErrno("listen on " + to.ToString(), errno);
  }
  Result<Fd> sender = OpenSocket(sender_namespace);
  if (!sender) {
    return tl::unexpected(sender.error());
  }
  if (::connect(sender->get(), generic, address_bytes) != 0) {
    return FailErrno("connect to " + to.ToString(), errno);
  }
  if (const Status set = SetOption(sender->get(), IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"); !set) {
    return tl::unexpected(set.error());
  }
  Fd receiver(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!receiver.valid()) {
    return FailErrno("accept on " + to.ToString(), errno);
  }
  return Pipe(std::move(*sender), std::move(receiver));
}

Status Pipe::Pass(std::string_view bytes) {
  const ssize_t sent = ::send(sender_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  if (sent < 0 || static_cast<size_t>(sent) != bytes.size()) {
    return FailErrno("send", errno);
  }
  return Receive(bytes.size());
}

Status Pipe::Receive(size_t bytes) {
  while (bytes > 0) {
    const ssize_t got = ::recv(receiver_.get(), buffer_.data(), std::min(bytes, buffer_.size()), MSG_DONTWAIT);
    if (got > 0) {
      bytes -= static_cast<size_t>(got);
      continue;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
      return FailErrno("receive", errno);
    }
    pollfd readable{.fd = receiver_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, kReceiveTimeoutMs) == 0) {
      return Fail("what was sent did not arrive within 5 s");
    }
  }
  return {};
}

}  // namespace rpctee::bench
