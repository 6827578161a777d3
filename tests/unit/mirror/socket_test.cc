#include "mirror/socket.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace rpctee::mirror {
namespace {

// A port where connections are accepted by the kernel. On ::1 for AF_INET6.
class Listener {
 public:
  explicit Listener(int family) : fd_(socket(family, SOCK_STREAM, 0)) {
    sockaddr_storage any{};
    socklen_t length = 0;
    SocketAddress::Parse(family == AF_INET6 ? "[::1]:1" : "127.0.0.1:1")->ToSockaddr(any);
    reinterpret_cast<sockaddr_in*>(&any)->sin_port = 0;  // at the same place in both
    length = family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    listens_ = bind(fd_.get(), reinterpret_cast<sockaddr*>(&any), length) == 0 && listen(fd_.get(), 4) == 0;
    length = sizeof(any);
    getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&any), &length);
    address_ = SocketAddress::FromSockaddr(any);
  }
  bool listens() const { return listens_; }
  const SocketAddress& address() const { return address_; }

 private:
  Fd fd_;
  bool listens_ = false;
  SocketAddress address_;
};

int Option(const Fd& fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof(value);
  EXPECT_EQ(getsockopt(fd.get(), level, name, &value, &length), 0);
  return value;
}

TEST(MirrorSocket, GoesBehindProductionInTheNetworkAndInTheQueue) {
  const Listener listener(AF_INET);
  MirrorOptions options;
  options.dscp = 8;
  options.socket_priority = 1;
  const Result<ConnectingSocket> socket = StartConnect(listener.address(), options);
  ASSERT_TRUE(socket) << socket.error().message;
  EXPECT_EQ(Option(socket->fd, IPPROTO_IP, IP_TOS), 8 << 2);
  EXPECT_EQ(Option(socket->fd, SOL_SOCKET, SO_PRIORITY), 1);
}

TEST(MirrorSocket, GoesBehindProductionWithIpv6Too) {
  const Listener listener(AF_INET6);
  if (!listener.listens()) {
    GTEST_SKIP() << "no IPv6 here";
  }
  MirrorOptions options;
  options.dscp = 1;
  options.socket_priority = 2;
  const Result<ConnectingSocket> socket = StartConnect(listener.address(), options);
  ASSERT_TRUE(socket) << socket.error().message;
  EXPECT_EQ(Option(socket->fd, IPPROTO_IPV6, IPV6_TCLASS), 1 << 2);
  EXPECT_EQ(Option(socket->fd, SOL_SOCKET, SO_PRIORITY), 2);
}

}  // namespace
}  // namespace rpctee::mirror
