// What the kernel's TCP says of the connections to endpoints: here, in pods, and not in what only looks like a pod.
#include "tap/socket_scan.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "lab/tap/namespace_lab.h"
#include "tap/pod_namespaces.h"

namespace rpctee::tap {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A process that does nothing, in a network namespace of its own.
class Pod {
 public:
  Pod() {
    int ready[2];
    EXPECT_EQ(::pipe2(ready, O_CLOEXEC), 0);
    const Fd reader(ready[0]);
    Fd writer(ready[1]);
    pid_ = ::fork();
    if (pid_ == 0) {
      const char byte = ::unshare(CLONE_NEWNET) == 0 ? 1 : 0;
      (void)!::write(writer.get(), &byte, 1);
      while (true) {
        ::pause();
      }
    }
    char byte = 0;
    EXPECT_EQ(::read(reader.get(), &byte, 1), 1);
    EXPECT_EQ(byte, 1);
  }
  ~Pod() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Pod(const Pod&) = delete;
  Pod& operator=(const Pod&) = delete;

  std::string pid() const { return std::to_string(pid_); }
  void Inside(const std::function<void()>& work) const {
    const Fd home = OwnNamespace().value_or(Fd());
    const Fd pod(::open(("/proc/" + pid() + "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::setns(pod.get(), CLONE_NEWNET), 0);
    work();
    ASSERT_EQ(::setns(home.get(), CLONE_NEWNET), 0);
  }

 private:
  pid_t pid_ = -1;
};

SocketAddress Address(const std::string& text) { return SocketAddress::Parse(text).value(); }

// A listener for one address, IPv4 also by way of an IPv6 socket, and the two ends of a connection to it.
class Connection {
 public:
  Connection(const SocketAddress& endpoint, bool mapped) {
    sockaddr_storage address{};
    uint32_t length = endpoint.ToSockaddr(address);
    if (mapped) {
      sockaddr_in6 v6{};
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(endpoint.port);
      std::copy(endpoint.ip.bytes.begin(), endpoint.ip.bytes.end(), v6.sin6_addr.s6_addr);
      std::memcpy(&address, &v6, sizeof(v6));
      length = sizeof(v6);
    }
    listener_.Reset(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int yes = 1;
    ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0) << std::strerror(errno);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
  }
  void Connect(const SocketAddress& endpoint) {
    sockaddr_storage address{};
    const uint32_t length = endpoint.ToSockaddr(address);
    client_.Reset(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(client_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0) << std::strerror(errno);
    server_.Reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ASSERT_TRUE(server_.valid());
  }
  // All have arrived when it returns.
  void Send(size_t bytes) {
    std::vector<char> data(bytes, 'x');
    ASSERT_EQ(::send(client_.get(), data.data(), bytes, 0), static_cast<ssize_t>(bytes));
    ASSERT_EQ(::recv(server_.get(), data.data(), bytes, MSG_WAITALL), static_cast<ssize_t>(bytes));
  }

 private:
  Fd listener_, client_, server_;
};

class SocketScanLab : public test::NamespaceLab {
 protected:
  // A pod at 10.1.0.2 and fd01::2 behind tap0.
  static void Join(const Pod& pod) {
    Run("ip link add tap0 type veth peer name tap1 netns " + pod.pid());
    Run("ip link set tap0 up && ip addr add 10.1.0.1/24 dev tap0 && ip addr add fd01::1/64 dev tap0 nodad");
    pod.Inside([] {
      Run("ip link set lo up && ip link set tap1 up && ip addr add 10.1.0.2/24 dev tap1 && "
          "ip addr add fd01::2/64 dev tap1 nodad");
    });
  }
  static ino_t Here() {
    struct stat status {};
    EXPECT_EQ(::stat("/proc/thread-self/ns/net", &status), 0);
    return status.st_ino;
  }
  static SocketScan Scan(const std::unordered_set<SocketAddress>& endpoints, const ScanLimits& limits = {}) {
    const ino_t home = Here();
    const std::atomic<bool> stop{false};
    const auto scan = ScanSockets(endpoints, limits, stop);
    EXPECT_TRUE(scan) << scan.error().message;
    EXPECT_EQ(Here(), home);
    return scan ? *scan : SocketScan{};
  }
};

TEST_F(SocketScanLab, CountsWhatAConnectionInTheOwnNamespaceReceives) {
  for (const char* text : {"127.0.0.1:20880", "[::1]:20880"}) {
    const SocketAddress endpoint = Address(text);
    Connection connection(endpoint, false);
    EXPECT_THAT(Scan({endpoint}).sockets, IsEmpty()) << "no connection yet";
    connection.Connect(endpoint);
    connection.Send(10'000);
    const SocketScan first = Scan({endpoint});
    ASSERT_THAT(first.sockets, SizeIs(1));
    EXPECT_EQ(first.sockets[0].local, endpoint);
    EXPECT_EQ(first.sockets[0].remote.ip, endpoint.ip);
    EXPECT_EQ(first.sockets[0].bytes_received, 10'000U);
    connection.Send(70'000);
    const SocketScan second = Scan({endpoint});
    ASSERT_THAT(second.sockets, SizeIs(1));
    EXPECT_EQ(second.sockets[0].cookie, first.sockets[0].cookie);
    EXPECT_EQ(second.sockets[0].bytes_received, 80'000U);
  }
}

TEST_F(SocketScanLab, CountsWhatAPodReceivesByIpv4AndIpv6AndByIpv4OnAnIpv6Socket) {
  const Pod pod;
  Join(pod);
  for (const auto& [text, mapped] :
       {std::pair{"10.1.0.2:20880", false}, {"10.1.0.2:20881", true}, {"[fd01::2]:20882", false}}) {
    const SocketAddress endpoint = Address(text);
    std::unique_ptr<Connection> connection;
    pod.Inside([&, as_v6 = mapped] { connection = std::make_unique<Connection>(endpoint, as_v6); });
    connection->Connect(endpoint);
    connection->Send(3'000);
    const SocketScan scan = Scan({endpoint});
    EXPECT_EQ(scan.pods, 1U);
    EXPECT_EQ(scan.not_entered, "");
    ASSERT_THAT(scan.sockets, SizeIs(1)) << text;
    EXPECT_EQ(scan.sockets[0].local, endpoint);
    EXPECT_EQ(scan.sockets[0].bytes_received, 3'000U);
  }
}

TEST_F(SocketScanLab, ANamespaceThatIsNotJoinedToOursIsNoPod) {
  const Pod pod;
  const SocketAddress endpoint = Address("10.1.0.2:20880");
  std::unique_ptr<Connection> connection;
  pod.Inside([&] {
    Run("ip link set lo up && ip addr add 10.1.0.2/32 dev lo");
    connection = std::make_unique<Connection>(endpoint, false);
    connection->Connect(endpoint);
  });
  connection->Send(3'000);
  const SocketScan scan = Scan({endpoint});
  EXPECT_EQ(scan.pods, 0U);
  EXPECT_THAT(scan.sockets, IsEmpty());
}

TEST_F(SocketScanLab, OtherPortsAndAddressesAreLeftOutHoweverManyThereAre) {
  Connection connection(Address("127.0.0.1:20880"), false);
  connection.Connect(Address("127.0.0.1:20880"));
  EXPECT_THAT(Scan({}).sockets, IsEmpty());
  EXPECT_THAT(Scan({Address("127.0.0.2:20880"), Address("127.0.0.1:20881")}).sockets, IsEmpty());
  std::unordered_set<SocketAddress> many;
  for (uint16_t port = 20'880; port < 20'900; ++port) {
    many.insert({Address("127.0.0.1:1").ip, port});
  }
  EXPECT_THAT(Scan(many).sockets, SizeIs(1));
}

TEST_F(SocketScanLab, StopsAtItsLimits) {
  const SocketAddress endpoint = Address("127.0.0.1:20880");
  Connection connection(endpoint, false);
  std::vector<std::unique_ptr<Connection>> all;
  connection.Connect(endpoint);
  EXPECT_FALSE(Scan({endpoint}).cut_short);
  EXPECT_TRUE(Scan({endpoint}, {.sockets = 1}).cut_short);
  const SocketScan none = Scan({endpoint}, {.time = Duration::zero()});
  EXPECT_TRUE(none.cut_short);
  EXPECT_LE(none.sockets.size(), 1U);
}

TEST_F(SocketScanLab, WithoutThePermissionToEnterPodsItSaysSoAndLooksHere) {
  const Pod pod;
  Join(pod);
  const SocketAddress endpoint = Address("127.0.0.1:20880");
  Connection connection(endpoint, false);
  connection.Connect(endpoint);
  connection.Send(100);
  SocketScan scan;
  // Capabilities are a thread's own.
  std::thread([&] {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[2]{};
    ASSERT_EQ(::syscall(SYS_capget, &header, data), 0);
    data[CAP_SYS_ADMIN / 32].effective &= ~(1U << (CAP_SYS_ADMIN % 32));
    ASSERT_EQ(::syscall(SYS_capset, &header, data), 0);
    scan = Scan({endpoint, Address("10.1.0.2:20880")});
  }).join();
  EXPECT_THAT(scan.not_entered, HasSubstr("enter the network namespace of a pod: Operation not permitted"));
  EXPECT_EQ(scan.pods, 0U);
  ASSERT_THAT(scan.sockets, SizeIs(1));
  EXPECT_EQ(scan.sockets[0].bytes_received, 100U);
}

}  // namespace
}  // namespace rpctee::tap
