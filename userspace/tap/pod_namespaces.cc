#include "tap/pod_namespaces.h"

#include <dirent.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <unordered_set>

#include "tap/netlink.h"

namespace rpctee::tap {
namespace {

constexpr char kOwn[] = "/proc/thread-self/ns/net";

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

bool IsNumber(const char* name) { return *name >= '1' && *name <= '9'; }

// The kernel numbers a namespace for another one when an interface of that one has its other end there.
bool IsJoined(int route_socket, int namespace_fd) {
  alignas(nlmsghdr) std::array<uint8_t, 512> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_GETNSID;
  request->nlmsg_flags = NLM_F_REQUEST;
  mnl_nlmsg_put_extra_header(request, sizeof(rtgenmsg));
  mnl_attr_put_u32(request, NETNSA_FD, static_cast<uint32_t>(namespace_fd));
  if (::send(route_socket, request, request->nlmsg_len, 0) < 0) {
    return false;
  }
  const ssize_t bytes = ::recv(route_socket, buffer.data(), buffer.size(), 0);
  const auto* answer = reinterpret_cast<const nlmsghdr*>(buffer.data());
  if (bytes < 0 || !mnl_nlmsg_ok(answer, static_cast<int>(bytes)) || answer->nlmsg_type != RTM_NEWNSID) {
    return false;
  }
  bool joined = false;
  ForEachAttribute(*answer, sizeof(rtgenmsg), [&](const nlattr& attribute) {
    if (mnl_attr_get_type(&attribute) == NETNSA_NSID && mnl_attr_validate(&attribute, MNL_TYPE_U32) >= 0) {
      joined = static_cast<int32_t>(mnl_attr_get_u32(&attribute)) != NETNSA_NSID_NOT_ASSIGNED;
    }
  });
  return joined;
}

}  // namespace

Result<Fd> OwnNamespace() {
  Fd fd(::open(kOwn, O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) {
    return FailErrno(kOwn, errno);
  }
  return fd;
}

Result<std::vector<Fd>> FindPodNamespaces(size_t most) {
  const Result<Fd> route_socket = OpenRouteSocket(0);
  if (!route_socket) {
    return tl::unexpected(route_socket.error());
  }
  const std::unique_ptr<DIR, CloseDirectory> processes(::opendir("/proc"));
  if (processes == nullptr) {
    return FailErrno("/proc", errno);
  }
  struct stat own {};
  if (::stat(kOwn, &own) != 0) {
    return FailErrno(kOwn, errno);
  }
  std::unordered_set<ino_t> known{own.st_ino};
  std::vector<Fd> found;
  while (const dirent* entry = found.size() < most ? ::readdir(processes.get()) : nullptr) {
    if (!IsNumber(entry->d_name)) {
      continue;
    }
    // A process that is gone, or may not be looked at, is passed over.
    const std::string path = std::string("/proc/") + entry->d_name + "/ns/net";
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0 || !known.insert(status.st_ino).second) {
      continue;
    }
    Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (fd.valid() && IsJoined(route_socket->get(), fd.get())) {
      found.push_back(std::move(fd));
    }
  }
  return found;
}

}  // namespace rpctee::tap
