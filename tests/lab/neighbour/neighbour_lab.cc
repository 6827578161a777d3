#include "lab/neighbour/neighbour_lab.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <sstream>
#include <thread>

#include "support/dubbo_frames.h"
#include "tap/tcx.h"

namespace rpctee::test {
namespace {

constexpr char kPodAddress[] = "10.1.0.2";

Fd OwnNamespace() { return Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)); }

Fd TcpSocket() { return Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); }

Fd Listen(uint16_t port) {
  Fd listener = TcpSocket();
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(port);
  EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(any)), 0);
  EXPECT_EQ(::listen(listener.get(), 8), 0);
  return listener;
}

bool Ready(int fd, short events) {
  pollfd entry{.fd = fd, .events = events, .revents = 0};
  return ::poll(&entry, 1, 10) == 1;
}

std::vector<uint8_t> Requests(uint64_t count) {
  std::vector<uint8_t> bytes;
  for (uint64_t id = 0; id < count; ++id) {
    const std::vector<uint8_t> request = DubboRequest(id, 300);
    bytes.insert(bytes.end(), request.begin(), request.end());
  }
  return bytes;
}

}  // namespace

void NeighbourLab::SetUp() {
  NamespaceLab::SetUp();
  if (IsSkipped()) {
    return;
  }
  const Fd node = OwnNamespace();
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
  pod_ = OwnNamespace();
  ASSERT_EQ(::setns(node.get(), CLONE_NEWNET), 0);
  Run("ip link add tap0 type veth peer name tap1 && ip link set tap0 up && ip addr add 10.1.0.1/24 dev tap0");
  Run("ip link set tap1 netns /proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(pod_.get()));
  ifindex_ = Index("tap0");
  arrivals_ = Load(-1);
  ASSERT_NE(arrivals_, nullptr);
  InPod([&] {
    Run("ip link set lo up && ip link set tap1 up && ip addr add 10.1.0.2/24 dev tap1");
    const Status attached = arrivals_->AttachClsact(Index("tap1"), tap::Direction::kIngress, 1, 1);
    EXPECT_TRUE(attached) << attached.error().message;
    listener_ = Listen(kPort);
  });
}

void NeighbourLab::TearDown() {
  listener_.Reset();
  arrivals_.reset();
  pod_.Reset();
  NamespaceLab::TearDown();
}

void NeighbourLab::InPod(const std::function<void()>& work) const {
  const Fd node = OwnNamespace();
  ASSERT_EQ(::setns(pod_.get(), CLONE_NEWNET), 0);
  work();
  ASSERT_EQ(::setns(node.get(), CLONE_NEWNET), 0);
}

std::unique_ptr<tap::Tap> NeighbourLab::OpenTap(tap::TcxOrder order) const {
  auto tap = tap::Tap::Open({.ring_bytes = 4'096, .tcx_order = order});
  EXPECT_TRUE(tap) << tap.error().message;
  if (!tap) {
    return nullptr;
  }
  const Status set =
      (*tap)->SetEndpoints({{.address = {.ip = IpAddress::Parse(kPodAddress).value(), .port = kPort}, .threshold = 0}});
  EXPECT_TRUE(set) << set.error().message;
  return std::move(*tap);
}

uint64_t NeighbourLab::Counter(const tap::Tap& tap, std::string_view name) {
  const auto counters = tap.Counters();
  for (const tap::TapCounter& counter : *counters) {
    if (counter.name == name) {
      return counter.value;
    }
  }
  ADD_FAILURE() << "no counter " << name;
  return 0;
}

std::unique_ptr<Neighbour> NeighbourLab::Load(int32_t verdict) {
  auto neighbour = Neighbour::Load({.port = kPort, .verdict = verdict});
  EXPECT_TRUE(neighbour) << neighbour.error().message;
  return neighbour ? std::move(*neighbour) : nullptr;
}

bool NeighbourLab::Eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

bool NeighbourLab::Exchange(const std::function<bool()>& dropped) const {
  const std::vector<uint8_t> sent = Requests(kRequests);
  const Fd client = TcpSocket();
  sockaddr_storage pod{};
  const uint32_t length = SocketAddress{.ip = IpAddress::Parse(kPodAddress).value(), .port = kPort}.ToSockaddr(pod);
  (void)::connect(client.get(), reinterpret_cast<const sockaddr*>(&pod), length);
  Fd server;
  (void)Eventually([&] {
    server.Reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    return server.valid() || dropped();
  });
  if (!server.valid()) {
    return false;
  }
  std::vector<uint8_t> received;
  size_t at = 0;
  const bool all = Eventually([&] {
    // In several packets, so that a verdict is asked for more than once.
    if (at < sent.size() && Ready(client.get(), POLLOUT)) {
      const ssize_t bytes = ::send(client.get(), sent.data() + at, std::min<size_t>(3'000, sent.size() - at), 0);
      at += bytes > 0 ? static_cast<size_t>(bytes) : 0;
    }
    uint8_t buffer[65'536];
    if (Ready(server.get(), POLLIN)) {
      const ssize_t bytes = ::recv(server.get(), buffer, sizeof(buffer), 0);
      received.insert(received.end(), buffer, buffer + std::max<ssize_t>(bytes, 0));
    }
    return received.size() >= sent.size();
  });
  return all && received == sent;
}

std::vector<std::string> NeighbourLab::State(uint32_t except) const {
  std::vector<std::string> state;
  for (const uint32_t id : tap::TcxPrograms(ifindex_, tap::Direction::kEgress)) {
    if (id != except) {
      state.push_back("tcx " + std::to_string(id));
    }
  }
  std::istringstream filters(Run("tc filter show dev tap0 egress"));
  for (std::string line; std::getline(filters, line);) {
    // The head of a priority is a line of its own; ours uses priorities that nobody else has here.
    if (line.find("rpctee_tap") == std::string::npos && line.find(" pref 500") == std::string::npos) {
      state.push_back(line);
    }
  }
  return state;
}

}  // namespace rpctee::test
