#include "tap/socket_scan.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <sched.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <set>

#include "tap/netlink.h"
#include "tap/pod_namespaces.h"

namespace rpctee::tap {
namespace {

constexpr uint32_t kEstablished = 1U << 1;  // TCP_ESTABLISHED
// The kernel looks at every connection for each question, so many ports are asked for at once.
constexpr size_t kMostPortQuestions = 4;
constexpr size_t kReceivedEnd = offsetof(tcp_info, tcpi_bytes_received) + sizeof(tcp_info::tcpi_bytes_received);

IpAddress ReadIp(uint8_t family, const __be32 (&words)[4]) {
  if (family == AF_INET) {
    return IpAddress::FromV4(words[0]);
  }
  IpAddress ip;
  std::memcpy(ip.bytes.data(), words, ip.bytes.size());
  return ip;
}

class Scanner {
 public:
  Scanner(const std::unordered_set<SocketAddress>& endpoints, const ScanLimits& limits, const std::atomic<bool>& stop)
      : endpoints_(endpoints), limits_(limits), stop_(stop), deadline_(Clock::now() + limits.time) {
    for (const SocketAddress& endpoint : endpoints) {
      ports_.insert(endpoint.port);
    }
    if (ports_.size() > kMostPortQuestions) {
      ports_ = {0};
    }
  }

  bool MustStop() const { return stop_ || scan_.sockets.size() >= limits_.sockets || Clock::now() >= deadline_; }
  SocketScan& scan() { return scan_; }

  // In the namespace where the thread stands.
  Status Look() {
    for (const uint8_t family : {uint8_t{AF_INET}, uint8_t{AF_INET6}}) {
      for (const uint16_t port : ports_) {
        if (const Status asked = Ask(family, port); !asked) {
          return asked;
        }
      }
    }
    return {};
  }

 private:
  // port 0: all.
  Status Ask(uint8_t family, uint16_t port) {
    const Result<Fd> socket = OpenAskingSocket(NETLINK_SOCK_DIAG);
    if (!socket) {
      return tl::unexpected(socket.error());
    }
    alignas(nlmsghdr) std::array<uint8_t, 256> buffer{};
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    auto* question = static_cast<inet_diag_req_v2*>(mnl_nlmsg_put_extra_header(request, sizeof(inet_diag_req_v2)));
    question->sdiag_family = family;
    question->sdiag_protocol = IPPROTO_TCP;
    question->idiag_ext = 1U << (INET_DIAG_INFO - 1);
    question->idiag_states = kEstablished;
    question->id.idiag_sport = htons(port);
    const Result<bool> answered = DumpWhile(socket->get(), request, [&](const nlmsghdr& message) {
      Take(message);
      return !MustStop();
    });
    return answered ? Status() : Status(WithContext("sock_diag", answered.error()));
  }

  void Take(const nlmsghdr& message) {
    if (message.nlmsg_type != SOCK_DIAG_BY_FAMILY || mnl_nlmsg_get_payload_len(&message) < sizeof(inet_diag_msg)) {
      return;
    }
    const auto* head = static_cast<const inet_diag_msg*>(mnl_nlmsg_get_payload(&message));
    const inet_diag_sockid& id = head->id;
    EndpointSocket socket;
    socket.local = {ReadIp(head->idiag_family, id.idiag_src), ntohs(id.idiag_sport)};
    if (!endpoints_.contains(socket.local)) {
      return;
    }
    socket.remote = {ReadIp(head->idiag_family, id.idiag_dst), ntohs(id.idiag_dport)};
    socket.cookie = uint64_t{id.idiag_cookie[1]} << 32 | id.idiag_cookie[0];
    ForEachAttribute(message, sizeof(inet_diag_msg), [&](const nlattr& attribute) {
      if (mnl_attr_get_type(&attribute) == INET_DIAG_INFO && mnl_attr_get_payload_len(&attribute) >= kReceivedEnd) {
        const auto* info = static_cast<const char*>(mnl_attr_get_payload(&attribute));
        std::memcpy(&socket.bytes_received, info + offsetof(tcp_info, tcpi_bytes_received),
                    sizeof(socket.bytes_received));
        scan_.sockets.push_back(socket);
      }
    });
  }

  const std::unordered_set<SocketAddress>& endpoints_;
  const ScanLimits& limits_;
  const std::atomic<bool>& stop_;
  TimePoint deadline_;
  std::set<uint16_t> ports_;
  SocketScan scan_;
};

// Returns whether the thread has left its own namespace. What can't be entered or looked into is left out, and the
// reason told.
bool LookIntoPods(Scanner& scanner, const std::vector<Fd>& pods) {
  SocketScan& scan = scanner.scan();
  bool left = false;
  for (const Fd& pod : pods) {
    if (scanner.MustStop()) {
      break;
    }
    if (::setns(pod.get(), CLONE_NEWNET) != 0) {
      scan.not_entered = FailErrno("enter the network namespace of a pod", errno).value().message;
      break;
    }
    left = true;
    if (const Status looked = scanner.Look(); looked) {
      ++scan.pods;
    } else {
      scan.not_entered = looked.error().message;
    }
  }
  return left;
}

}  // namespace

Result<SocketScan> ScanSockets(const std::unordered_set<SocketAddress>& endpoints, const ScanLimits& limits,
                               const std::atomic<bool>& stop) {
  Scanner scanner(endpoints, limits, stop);
  if (endpoints.empty()) {
    return std::move(scanner.scan());
  }
  if (const Status looked = scanner.Look(); !looked) {
    return tl::unexpected(looked.error());
  }
  const Result<Fd> home = OwnNamespace();
  if (!home) {
    return tl::unexpected(home.error());
  }
  const Result<std::vector<Fd>> pods = FindPodNamespaces(limits.pods);
  if (!pods) {
    scanner.scan().not_entered = pods.error().message;
    return std::move(scanner.scan());
  }
  if (LookIntoPods(scanner, *pods) && ::setns(home->get(), CLONE_NEWNET) != 0) {
    return FailErrno("come back to the network namespace of the agent", errno);
  }
  scanner.scan().cut_short = scanner.MustStop();
  return std::move(scanner.scan());
}

}  // namespace rpctee::tap
