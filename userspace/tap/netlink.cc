#include "tap/netlink.h"

#include <libmnl/libmnl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <atomic>
#include <cerrno>

namespace rpctee::tap {
namespace {

constexpr size_t kBufferBytes = 32'768;  // what the kernel uses for one piece of a dump

enum class Step { kMore, kDone };

struct DumpState {
  uint32_t sequence = 0;
  bool consistent = true;
  const std::function<bool(const nlmsghdr&)>& on_message;
};

Result<Step> HandleMessage(const nlmsghdr& message, DumpState& state) {
  if (message.nlmsg_seq != state.sequence) {
    return Step::kMore;  // rest of an earlier dump that was given up
  }
  if ((message.nlmsg_flags & NLM_F_DUMP_INTR) != 0) {
    state.consistent = false;
  }
  if (message.nlmsg_type == NLMSG_DONE) {
    return Step::kDone;
  }
  if (message.nlmsg_type == NLMSG_ERROR) {
    if (mnl_nlmsg_get_payload_len(&message) < sizeof(nlmsgerr)) {
      return Fail("netlink sent a cut error message");
    }
    const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&message));
    return FailErrno("netlink refused the request", -error->error);
  }
  return state.on_message(message) ? Step::kMore : Step::kDone;
}

Result<Step> HandleDatagram(const uint8_t* data, size_t bytes, DumpState& state) {
  int left = static_cast<int>(bytes);
  for (const auto* message = reinterpret_cast<const nlmsghdr*>(data); mnl_nlmsg_ok(message, left);
       message = mnl_nlmsg_next(message, &left)) {
    const Result<Step> step = HandleMessage(*message, state);
    if (!step || *step == Step::kDone) {
      return step;
    }
  }
  return Step::kMore;
}

Result<Fd> Open(int family, uint32_t groups) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | (groups != 0 ? SOCK_NONBLOCK : 0), family));
  if (!fd.valid()) {
    return FailErrno("open a netlink socket", errno);
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return FailErrno("bind a netlink socket", errno);
  }
  const timeval patience{.tv_sec = 2, .tv_usec = 0};
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0) {
    return FailErrno("set the timeout of a netlink socket", errno);
  }
  return fd;
}

}  // namespace

Result<Fd> OpenRouteSocket(uint32_t groups) { return Open(NETLINK_ROUTE, groups); }

Result<Fd> OpenAskingSocket(int family) { return Open(family, 0); }

Result<bool> Dump(int fd, nlmsghdr* request, const std::function<void(const nlmsghdr&)>& on_message) {
  return DumpWhile(fd, request, [&](const nlmsghdr& message) {
    on_message(message);
    return true;
  });
}

Result<bool> DumpWhile(int fd, nlmsghdr* request, const std::function<bool(const nlmsghdr&)>& on_message) {
  static std::atomic<uint32_t> last_sequence{0};
  DumpState state{.sequence = ++last_sequence, .on_message = on_message};
  request->nlmsg_seq = state.sequence;
  request->nlmsg_flags |= NLM_F_REQUEST | NLM_F_DUMP;
  if (::send(fd, request, request->nlmsg_len, 0) < 0) {
    return FailErrno("send a dump request by netlink", errno);
  }
  alignas(nlmsghdr) std::array<uint8_t, kBufferBytes> buffer;
  while (true) {
    const ssize_t bytes = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (bytes < 0 && errno == EINTR) {
      continue;
    }
    if (bytes < 0) {
      return FailErrno("read an answer by netlink", errno);
    }
    const Result<Step> step = HandleDatagram(buffer.data(), static_cast<size_t>(bytes), state);
    if (!step) {
      return tl::unexpected(step.error());
    }
    if (*step == Step::kDone) {
      return state.consistent;
    }
  }
}

}  // namespace rpctee::tap
