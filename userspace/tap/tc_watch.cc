#include "tap/tc_watch.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "tap/netlink.h"

namespace rpctee::tap {
namespace {

constexpr size_t kBufferBytes = 32'768;
// More than a socket buffer of the usual size holds. After an overrun the kernel tells nothing until the queue has been
// empty once, so it has to be emptied in one go.
constexpr int kDatagramsPerPoll = 4'096;

void Note(const nlmsghdr& message, TcWatch::Changes& changes) {
  switch (message.nlmsg_type) {
    case RTM_NEWQDISC:
    case RTM_DELQDISC:
    case RTM_NEWTFILTER:
    case RTM_DELTFILTER:
    case RTM_NEWCHAIN:
    case RTM_DELCHAIN:
      break;
    default:
      return;
  }
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(tcmsg)) {
    return;
  }
  const auto ifindex = static_cast<uint32_t>(static_cast<const tcmsg*>(mnl_nlmsg_get_payload(&message))->tcm_ifindex);
  if (ifindex == TCM_IFINDEX_MAGIC_BLOCK) {
    changes.anywhere = true;
  } else {
    changes.interfaces.insert(ifindex);
  }
}

}  // namespace

Result<TcWatch> TcWatch::Open() {
  Result<Fd> socket = OpenRouteSocket(RTMGRP_TC);
  if (!socket) {
    return tl::unexpected(socket.error());
  }
  return TcWatch(std::move(*socket));
}

Result<TcWatch::Changes> TcWatch::Poll() {
  Changes changes;
  alignas(nlmsghdr) std::array<uint8_t, kBufferBytes> buffer;
  for (int i = 0; i < kDatagramsPerPoll; ++i) {
    const ssize_t bytes = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) {
      break;
    }
    if (bytes < 0 && errno != ENOBUFS) {
      return FailErrno("hear of tc filters", errno);
    }
    if (bytes < 0 || static_cast<size_t>(bytes) > buffer.size()) {
      changes.anywhere = true;
      continue;
    }
    int left = static_cast<int>(bytes);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      Note(*message, changes);
    }
  }
  return changes;
}

}  // namespace rpctee::tap
