#include "copy_path.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace rpctee::bench {
namespace {

constexpr int kBufferBytes = 16 << 20;

Result<Fd> OpenSocket() {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd.valid() ? Result<Fd>(std::move(fd)) : FailErrno("socket", errno);
}

Status Connect(const Fd& fd, const SocketAddress& to) {
  sockaddr_storage address{};
  const socklen_t bytes = to.ToSockaddr(address);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), bytes) != 0) {
    return FailErrno("connect to " + to.ToString(), errno);
  }
  return {};
}

// Room for what is to be copied in one stretch.
void Widen(const Fd& fd) {
  for (const int option : {SO_SNDBUFFORCE, SO_RCVBUFFORCE}) {
    (void)::setsockopt(fd.get(), SOL_SOCKET, option, &kBufferBytes, sizeof(kBufferBytes));
  }
}

Result<std::pair<Fd, Fd>> ConnectedPair() {
  Result<Fd> listener = OpenSocket();
  Result<Fd> sender = OpenSocket();
  if (!listener || !sender) {
    return tl::unexpected((listener ? sender : listener).error());
  }
  Widen(*listener);
  Widen(*sender);
  sockaddr_storage local{};
  const socklen_t bytes = SocketAddress{.ip = IpAddress::FromV4(htonl(INADDR_LOOPBACK)), .port = 0}.ToSockaddr(local);
  socklen_t local_bytes = sizeof(local);
  auto* const generic = reinterpret_cast<sockaddr*>(&local);
  if (::bind(listener->get(), generic, bytes) != 0 || ::listen(listener->get(), 1) != 0 ||
      ::getsockname(listener->get(), generic, &local_bytes) != 0) {
    return FailErrno("listen on the loopback address", errno);
  }
  if (const Status connected = Connect(*sender, SocketAddress::FromSockaddr(local)); !connected) {
    return tl::unexpected(connected.error());
  }
  Fd receiver(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!receiver.valid()) {
    return FailErrno("accept", errno);
  }
  return std::pair(std::move(*sender), std::move(receiver));
}

}  // namespace

Result<CopyPath> CopyPath::Open(const Sink& sink) {
  Result<std::pair<Fd, Fd>> pair = ConnectedPair();
  if (!pair) {
    return tl::unexpected(pair.error());
  }
  Result<Fd> target = OpenSocket();
  if (!target) {
    return tl::unexpected(target.error());
  }
  if (const Status connected = Connect(*target, sink.address()); !connected) {
    return tl::unexpected(connected.error());
  }
  return CopyPath(std::move(pair->first), std::move(pair->second), std::move(*target));
}

Result<Took> CopyPath::Run(Bytes bytes, uint64_t total_bytes) {
  Took took;
  while (total_bytes > 0) {
    const Result<uint64_t> filled = Fill(bytes, total_bytes);
    if (!filled) {
      return tl::unexpected(filled.error());
    }
    const Stopwatch watch;
    if (const Status copied = Copy(*filled); !copied) {
      return tl::unexpected(copied.error());
    }
    took += watch.Read();
    total_bytes -= *filled;
  }
  return took;
}

Result<uint64_t> CopyPath::Fill(Bytes bytes, uint64_t limit) {
  uint64_t filled = 0;
  while (filled < limit) {
    const ssize_t count = ::send(feeder_.get(), bytes.data(), std::min<uint64_t>(bytes.size(), limit - filled),
                                 MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno != EAGAIN) {
      return FailErrno("send", errno);
    }
    if (count <= 0) {
      break;
    }
    filled += static_cast<uint64_t>(count);
  }
  return filled;
}

Status CopyPath::Copy(uint64_t count) {
  while (count > 0) {
    const ssize_t got = ::recv(source_.get(), buffer_.data(), std::min<uint64_t>(buffer_.size(), count), 0);
    if (got <= 0) {
      return FailErrno("receive", errno);
    }
    count -= static_cast<uint64_t>(got);
    for (ssize_t sent = 0; sent < got;) {
      const ssize_t now = ::send(target_.get(), buffer_.data() + sent, static_cast<size_t>(got - sent), MSG_NOSIGNAL);
      if (now < 0) {
        return FailErrno("send", errno);
      }
      sent += now;
    }
  }
  return {};
}

}  // namespace rpctee::bench
