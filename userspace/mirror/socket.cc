#include "mirror/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string>

namespace rpctee::mirror {
namespace {

template <typename T>
Status Set(const Fd& fd, int level, int option, const T& value, const char* name) {
  if (setsockopt(fd.get(), level, option, &value, sizeof(value)) != 0) {
    return FailErrno(name, errno);
  }
  return {};
}

Status SetMark(const Fd& fd, uint32_t mark) {
  return mark == 0 ? Status() : Set(fd, SOL_SOCKET, SO_MARK, mark, "setting the socket mark");
}

// A peer that vanished is noticed after user_timeout: while data is under way by TCP_USER_TIMEOUT, else by probes.
Status SetTimeouts(const Fd& fd, Duration user_timeout) {
  using std::chrono::duration_cast;
  const auto milliseconds = duration_cast<std::chrono::milliseconds>(user_timeout).count();
  const auto user = static_cast<unsigned>(std::clamp<int64_t>(milliseconds, 1, 24 * 3600 * 1000));
  const int probe = std::max(1, static_cast<int>(user / 3000));
  return Set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, user, "TCP_USER_TIMEOUT")
      .and_then([&] { return Set(fd, IPPROTO_TCP, TCP_KEEPIDLE, probe, "TCP_KEEPIDLE"); })
      .and_then([&] { return Set(fd, IPPROTO_TCP, TCP_KEEPINTVL, probe, "TCP_KEEPINTVL"); })
      .and_then([&] { return Set(fd, SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE"); });
}

// Behind production's packets, wherever somebody looks at it: the network at the DSCP, the queue of the interface at
// the priority. Setting the DSCP of IPv4 changes the priority, so that comes last.
Status SetPrecedence(const Fd& fd, int family, const MirrorOptions& options) {
  const int traffic_class = static_cast<int>(options.dscp << 2);
  const Status marked = family == AF_INET6 ? Set(fd, IPPROTO_IPV6, IPV6_TCLASS, traffic_class, "IPV6_TCLASS")
                                           : Set(fd, IPPROTO_IP, IP_TOS, traffic_class, "IP_TOS");
  return marked.and_then([&] { return Set(fd, SOL_SOCKET, SO_PRIORITY, options.socket_priority, "SO_PRIORITY"); });
}

Result<SocketAddress> LocalAddress(const Fd& fd) {
  sockaddr_storage local{};
  socklen_t length = sizeof(local);
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&local), &length) != 0) {
    return FailErrno("getsockname", errno);
  }
  return SocketAddress::FromSockaddr(local);
}

Fd MakeSocket(int family) { return Fd(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP)); }

}  // namespace

Result<ConnectingSocket> StartConnect(const SocketAddress& remote, const MirrorOptions& options) {
  sockaddr_storage to{};
  const socklen_t length = remote.ToSockaddr(to);
  ConnectingSocket result;
  result.fd = MakeSocket(to.ss_family);
  if (!result.fd.valid()) {
    return FailErrno("socket", errno);
  }
  const Status ready = SetMark(result.fd, options.socket_mark)
                           .and_then([&] { return SetTimeouts(result.fd, options.user_timeout); })
                           .and_then([&] { return SetPrecedence(result.fd, to.ss_family, options); })
                           .and_then([&] { return Set(result.fd, IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY"); });
  if (!ready) {
    return tl::unexpected(ready.error());
  }
  if (connect(result.fd.get(), reinterpret_cast<const sockaddr*>(&to), length) != 0 && errno != EINPROGRESS) {
    return FailErrno("connect", errno);
  }
  const Result<SocketAddress> local = LocalAddress(result.fd);
  if (!local) {
    return tl::unexpected(local.error());
  }
  // Nobody listens on a local port and the kernel happened to pick that very port for us (TCP simultaneous open).
  if (*local == remote) {
    ResetOnClose(result.fd);
    return Fail("connect: the socket met itself; nobody listens there");
  }
  result.local = *local;
  return result;
}

void ResetOnClose(const Fd& fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

Status CheckSocketMark(uint32_t mark) {
  const Fd fd = MakeSocket(AF_INET);
  return fd.valid() ? SetMark(fd, mark) : Status(FailErrno("socket", errno));
}

}  // namespace rpctee::mirror
