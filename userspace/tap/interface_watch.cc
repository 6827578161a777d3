#include "tap/interface_watch.h"

#include <fnmatch.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>

#include "tap/netlink.h"

namespace rpctee::tap {
namespace {

constexpr size_t kBufferBytes = 32'768;
constexpr int kDatagramsPerPoll = 256;
constexpr int kDumpTries = 5;
// More than a full socket buffer can hold; the kernel adds nothing while it is overrun and not yet empty.
constexpr int kMostQueued = 1 << 20;

// The interface that a message is about. Messages of other families (a bridge that loses a port, say) speak of an
// interface's role there, not of its existence.
std::optional<Interface> ReadInterface(const nlmsghdr& message) {
  if ((message.nlmsg_type != RTM_NEWLINK && message.nlmsg_type != RTM_DELLINK) ||
      mnl_nlmsg_get_payload_len(&message) < sizeof(ifinfomsg)) {
    return std::nullopt;
  }
  const auto* head = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
  if (head->ifi_family != AF_UNSPEC || head->ifi_index <= 0) {
    return std::nullopt;
  }
  Interface interface {
    .index = static_cast<uint32_t>(head->ifi_index), .name = {}
  };
  ForEachAttribute(message, sizeof(ifinfomsg), [&](const nlattr& attribute) {
    if (mnl_attr_get_type(&attribute) == IFLA_IFNAME) {
      interface.name = AttributeText(attribute);
    }
  });
  if (interface.name.empty()) {
    return std::nullopt;
  }
  return interface;
}

Result<bool> ListOnce(int fd, std::map<uint32_t, std::string>& interfaces) {
  alignas(nlmsghdr) std::array<uint8_t, 256> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_GETLINK;
  mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg));
  mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  return Dump(fd, request, [&](const nlmsghdr& message) {
    if (const std::optional<Interface> interface = ReadInterface(message)) {
      interfaces[interface->index] = interface->name;
    }
  });
}

Result<std::map<uint32_t, std::string>> ListInterfaces(int fd) {
  for (int i = 0; i < kDumpTries; ++i) {
    std::map<uint32_t, std::string> interfaces;
    const Result<bool> complete = ListOnce(fd, interfaces);
    if (!complete) {
      return tl::unexpected(complete.error());
    }
    if (*complete) {
      return interfaces;
    }
  }
  return Fail("the interfaces changed all the time while they were listed");
}

}  // namespace

bool MatchesAny(const std::string& name, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0; });
}

// What happened to each index during one Poll, boiled down to what the caller must do.
class InterfaceWatch::ChangeLog {
 public:
  explicit ChangeLog(std::map<uint32_t, std::string>& known) : known_(known) {}

  void Present(const Interface& interface, bool report_again) {
    Change& change = Touch(interface.index);
    change.again = change.again || report_again;
    known_[interface.index] = interface.name;
  }
  void Gone(uint32_t index) {
    Touch(index).gone_meanwhile = true;
    known_.erase(index);
  }

  // What the caller never heard of has not happened.
  void Undo() {
    for (const auto& [index, change] : changes_) {
      if (change.before) {
        known_[index] = *change.before;
      } else {
        known_.erase(index);
      }
    }
  }

  Changes Finish() const {
    Changes changes;
    for (const auto& [index, change] : changes_) {
      const auto now = known_.find(index);
      const bool is_there = now != known_.end();
      const bool same = change.before && is_there && !change.gone_meanwhile && *change.before == now->second;
      if (change.before && !same) {
        changes.removed.push_back({index, *change.before});
      }
      if (is_there && (!same || change.again)) {
        changes.added.push_back({index, now->second});
      }
    }
    return changes;
  }

 private:
  struct Change {
    std::optional<std::string> before;
    bool gone_meanwhile = false;
    bool again = false;
  };

  Change& Touch(uint32_t index) {
    const auto [it, is_new] = changes_.try_emplace(index);
    if (const auto known = known_.find(index); is_new && known != known_.end()) {
      it->second.before = known->second;
    }
    return it->second;
  }

  std::map<uint32_t, std::string>& known_;
  std::map<uint32_t, Change> changes_;
};

Result<InterfaceWatch> InterfaceWatch::Open() {
  Result<Fd> socket = OpenRouteSocket(RTMGRP_LINK);
  if (!socket) {
    return tl::unexpected(socket.error());
  }
  Result<Fd> dump_socket = OpenRouteSocket(0);
  if (!dump_socket) {
    return tl::unexpected(dump_socket.error());
  }
  return InterfaceWatch(std::move(*socket), std::move(*dump_socket));
}

Result<InterfaceWatch::Changes> InterfaceWatch::Poll() {
  ChangeLog log(known_);
  bool resync = !listed_;
  for (int i = 0; i < kDatagramsPerPoll && !resync; ++i) {
    const Result<Read> read = ReadOne(log);
    if (!read) {
      log.Undo();
      listed_ = false;
      return tl::unexpected(read.error());
    }
    if (*read == Read::kEmpty) {
      break;
    }
    resync = *read == Read::kOverrun;
  }
  if (resync) {
    if (const Status synced = Resync(log); !synced) {
      log.Undo();
      return tl::unexpected(synced.error());
    }
  }
  Changes changes = log.Finish();
  changes.resynced = resync;
  return changes;
}

Result<InterfaceWatch::Read> InterfaceWatch::ReadOne(ChangeLog& log) {
  alignas(nlmsghdr) std::array<uint8_t, kBufferBytes> buffer;
  const ssize_t bytes = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_TRUNC);
  if (bytes < 0 && errno == ENOBUFS) {
    return Read::kOverrun;
  }
  if (bytes < 0) {
    return errno == EAGAIN || errno == EINTR ? Result<Read>(Read::kEmpty) : FailErrno("hear of interfaces", errno);
  }
  if (static_cast<size_t>(bytes) > buffer.size()) {
    return Read::kOverrun;
  }
  int left = static_cast<int>(bytes);
  for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); mnl_nlmsg_ok(message, left);
       message = mnl_nlmsg_next(message, &left)) {
    if (const std::optional<Interface> interface = ReadInterface(*message)) {
      if (message->nlmsg_type == RTM_NEWLINK) {
        log.Present(*interface, false);
      } else {
        log.Gone(interface->index);
      }
    }
  }
  return Read::kMessage;
}

Status InterfaceWatch::Resync(ChangeLog& log) {
  // Until the queue has been empty once, the kernel drops further messages without saying so (netlink_overrun); so it
  // is emptied before the list is made, and what comes later will be heard.
  std::array<uint8_t, 1> byte;
  for (int i = 0; i < kMostQueued; ++i) {
    if (::recv(socket_.get(), byte.data(), byte.size(), 0) < 0 && errno != ENOBUFS && errno != EINTR) {
      break;
    }
  }
  listed_ = false;
  const Result<std::map<uint32_t, std::string>> interfaces = ListInterfaces(dump_socket_.get());
  if (!interfaces) {
    return WithContext("list the interfaces", interfaces.error());
  }
  const std::map<uint32_t, std::string> before = known_;
  for (const auto& [index, name] : before) {
    if (!interfaces->contains(index)) {
      log.Gone(index);
    }
  }
  for (const auto& [index, name] : *interfaces) {
    log.Present({index, name}, true);
  }
  listed_ = true;
  return {};
}

}  // namespace rpctee::tap
