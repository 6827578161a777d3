#include "replay/injector.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace rpctee::replay {
namespace {

constexpr const char* kTunPath = "/dev/net/tun";
constexpr std::string_view kDeviceName = "replay0";

Status RunOnNewThread(const std::function<void()>& task) {
  try {
    std::thread(task).join();
  } catch (const std::system_error& error) {
    return FailErrno("cannot start a thread", error.code().value());
  }
  return {};
}

tl::unexpected<Error> FailPrivileged(const std::string& what, int errno_value) {
  if (errno_value == EPERM || errno_value == EACCES) {
    return Fail(what + ": " + std::strerror(errno_value) +
                " (replay needs CAP_SYS_ADMIN and CAP_NET_ADMIN: run as root)");
  }
  return FailErrno(what, errno_value);
}

tl::unexpected<Error> FailTun(int errno_value) {
  const std::string what = std::string("cannot open ") + kTunPath;
  switch (errno_value) {
    case ENOENT:
      return Fail(what + ": it does not exist; make it: mkdir -p /dev/net && mknod /dev/net/tun c 10 200 " +
                  "(in a container, allow the device: --device /dev/net/tun)");
    case ENXIO:
    case ENODEV:
      return Fail(what + ": the kernel has no TUN/TAP driver; load it: modprobe tun");
    case EPERM:
    case EACCES:
      return Fail(what + ": " + std::strerror(errno_value) +
                  " (run as root; in a container, allow the device: --device /dev/net/tun)");
    default:
      return FailErrno(what, errno_value);
  }
}

ifreq RequestFor(short flags) {
  ifreq request{};
  kDeviceName.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_flags = flags;
  return request;
}

Result<Fd> OpenTap() {
  Fd device(::open(kTunPath, O_RDWR | O_CLOEXEC));
  if (!device.valid()) {
    return FailTun(errno);
  }
  ifreq request = RequestFor(IFF_TAP | IFF_NO_PI);
  if (::ioctl(device.get(), TUNSETIFF, &request) != 0) {
    return FailPrivileged("cannot make a TAP device", errno);
  }
  return device;
}

// Without IPv6 the device sends no neighbour or multicast announcements of its own. Only tidiness: those would leave
// the device, never enter it; so a read-only /proc/sys, as in containers, is no error.
void DisableIpv6() {
  const Fd setting(::open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC));
  if (setting.valid()) {
    [[maybe_unused]] const ssize_t ignored = ::write(setting.get(), "1", 1);
  }
}

Result<uint32_t> BringUp() {
  const Fd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!control.valid()) {
    return FailErrno("cannot open a control socket for the TAP device", errno);
  }
  ifreq request = RequestFor(IFF_UP);
  if (::ioctl(control.get(), SIOCSIFFLAGS, &request) != 0) {
    return FailPrivileged("cannot bring the TAP device up", errno);
  }
  request = RequestFor(0);
  if (::ioctl(control.get(), SIOCGIFINDEX, &request) != 0) {
    return FailErrno("cannot read the TAP device's index", errno);
  }
  return static_cast<uint32_t>(request.ifr_ifindex);
}

}  // namespace

Injector::Injector(Fd network_namespace, Fd device, uint32_t ifindex)
    : namespace_(std::move(network_namespace)), device_(std::move(device)), ifindex_(ifindex) {}

Result<Injector> Injector::Create() {
  Result<Injector> injector = Fail("not created");
  const Status ran = RunOnNewThread([&] { injector = CreateOnThisThread(); });
  if (!ran) {
    return tl::unexpected(ran.error());
  }
  return injector;
}

Result<Injector> Injector::CreateOnThisThread() {
  if (::unshare(CLONE_NEWNET) != 0) {
    return FailPrivileged("cannot make a network namespace", errno);
  }
  Fd network_namespace(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!network_namespace.valid()) {
    return FailErrno("cannot open /proc/thread-self/ns/net", errno);
  }
  DisableIpv6();
  Result<Fd> device = OpenTap();
  if (!device) {
    return tl::unexpected(device.error());
  }
  const Result<uint32_t> ifindex = BringUp();
  if (!ifindex) {
    return tl::unexpected(ifindex.error());
  }
  return Injector(std::move(network_namespace), std::move(*device), *ifindex);
}

Status Injector::RunInNamespace(const std::function<void()>& task) const {
  Status entered;
  const Status ran = RunOnNewThread([&] {
    if (::setns(namespace_.get(), CLONE_NEWNET) != 0) {
      entered = FailPrivileged("cannot enter the replay's network namespace", errno);
      return;
    }
    task();
  });
  return ran ? entered : ran;
}

Status Injector::Inject(Bytes ethernet_frame) {
  ssize_t written = 0;
  do {
    written = ::write(device_.get(), ethernet_frame.data(), ethernet_frame.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) {
    return FailErrno("cannot inject a frame of " + std::to_string(ethernet_frame.size()) + " bytes", errno);
  }
  return {};
}

}  // namespace rpctee::replay
