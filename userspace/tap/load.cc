#include "tap/load.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "bpf/abi/abi.h"
#include "tap/libbpf_log.h"

namespace rpctee::tap {
namespace {

constexpr uint32_t kLargestRing = 1U << 30;
// Some 20 to 40 for each endpoint that answers.
constexpr uint32_t kMaxLatencyBuckets = 65'536;

struct KernelVersion {
  unsigned major = 0;
  unsigned minor = 0;
  std::string text;

  bool Before(unsigned other_major, unsigned other_minor) const {
    return major < other_major || (major == other_major && minor < other_minor);
  }
};

KernelVersion RunningKernel() {
  utsname name{};
  KernelVersion version;
  if (::uname(&name) == 0 && std::sscanf(name.release, "%u.%u", &version.major, &version.minor) == 2) {
    version.text = name.release;
  }
  return version;
}

bool HasCapability(int capability) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct data[2]{};
  return ::syscall(SYS_capget, &header, data) == 0 && (data[capability / 32].effective >> (capability % 32) & 1U) != 0;
}

// Which of the capabilities that loading needs this thread lacks; empty when it has all.
std::string MissingCapabilities() {
  std::string missing;
  if (!HasCapability(CAP_BPF) && !HasCapability(CAP_SYS_ADMIN)) {
    missing = "CAP_BPF";
  }
  if (!HasCapability(CAP_NET_ADMIN)) {
    missing += missing.empty() ? "CAP_NET_ADMIN" : " and CAP_NET_ADMIN";
  }
  return missing;
}

std::string WhyNotPermitted(const KernelVersion& kernel) {
  if (const std::string missing = MissingCapabilities(); !missing.empty()) {
    return "not permitted: needs root, or the capabilities CAP_BPF and CAP_NET_ADMIN; " + missing + " is missing";
  }
  rlimit limit{};
  if (kernel.Before(5, 11) && ::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    return "not permitted: Linux " + kernel.text + " counts maps as locked memory, and RLIMIT_MEMLOCK is " +
           std::to_string(limit.rlim_cur) + " bytes; raise it (ulimit -l unlimited)";
  }
  return "not permitted, although CAP_BPF and CAP_NET_ADMIN are there: a seccomp filter or kernel lockdown?";
}

Error LoadError(int error, const LibbpfLog& log) {
  const KernelVersion kernel = RunningKernel();
  std::string why;
  if (error == -EPERM) {
    why = WhyNotPermitted(kernel);
  } else if (!kernel.text.empty() && kernel.Before(5, 10)) {
    why = "Linux " + kernel.text + " is too old, 5.10 is needed";
  } else if (error == -EACCES && !HasCapability(CAP_PERFMON) && !HasCapability(CAP_SYS_ADMIN)) {
    why = "the verifier refused it, and allows more with the capability CAP_PERFMON, which is missing";
  } else if (error == -ENOMEM) {
    why = "not enough memory for the maps; make the ring or the flow table smaller";
  } else {
    why = std::strerror(-error);
  }
  const std::string reason = log.Reason();
  return {"load the tap program on Linux " + kernel.text + ": " + why + (reason.empty() ? "" : " (" + reason + ")")};
}

Status CheckOptions(const TapOptions& options) {
  if (options.ring_bytes > kLargestRing) {
    return Fail("a ring of " + std::to_string(options.ring_bytes) + " bytes is more than " +
                std::to_string(kLargestRing));
  }
  if (options.rings == 0 || options.rings > RPCTEE_RINGS_MAX) {
    return Fail(std::to_string(options.rings) + " rings; there can be 1 to " + std::to_string(RPCTEE_RINGS_MAX));
  }
  if (options.max_flows == 0 || options.max_endpoints == 0 || options.max_own_connections == 0) {
    return Fail("the limits on flows, endpoints and own connections must be above 0");
  }
  return {};
}

void Configure(rpctee_tap& skeleton, const TapOptions& options) {
  skeleton.rodata->cfg_max_request_bytes = options.max_request_bytes;
  skeleton.rodata->cfg_socket_mark = options.socket_mark;
  skeleton.rodata->cfg_heartbeat_timeout_ns = options.heartbeat_timeout_ns;
  skeleton.rodata->cfg_rings = options.rings;
  skeleton.rodata->cfg_replies = options.replies ? 1 : 0;
  bpf_map__set_max_entries(skeleton.maps.rpctee_flows, options.max_flows);
  bpf_map__set_max_entries(skeleton.maps.rpctee_endpoint, options.max_endpoints);
  bpf_map__set_max_entries(skeleton.maps.rpctee_own, options.max_own_connections);
  const bool has_loop = libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_loop, nullptr) == 1;
  bpf_program__set_autoload(skeleton.progs.rpctee_tap, has_loop);
  bpf_program__set_autoload(skeleton.progs.rpctee_tap_old, !has_loop);
  bpf_program__set_autoload(skeleton.progs.rpctee_reply, options.replies && has_loop);
  bpf_program__set_autoload(skeleton.progs.rpctee_reply_old, options.replies && !has_loop);
  // A map can't be left out, but it can be small.
  bpf_map__set_max_entries(skeleton.maps.rpctee_answers, options.replies ? options.max_flows : 1);
  bpf_map__set_max_entries(skeleton.maps.rpctee_asked, options.replies ? options.max_flows : 1);
  bpf_map__set_max_entries(skeleton.maps.rpctee_replies, options.replies ? options.max_endpoints : 1);
  bpf_map__set_max_entries(skeleton.maps.rpctee_latency, options.replies ? kMaxLatencyBuckets : 1);
}

}  // namespace

Result<TapSkeleton> LoadProgram(const TapOptions& options) {
  if (const Status good = CheckOptions(options); !good) {
    return tl::unexpected(good.error());
  }
  const LibbpfLog log;
  TapSkeleton skeleton = TapSkeleton::Open();
  if (!skeleton) {
    return tl::unexpected(LoadError(-errno, log));
  }
  Configure(*skeleton.operator->(), options);
  if (const int error = skeleton.Load(); error != 0) {
    return tl::unexpected(LoadError(error, log));
  }
  return skeleton;
}

int ProgramFd(const TapSkeleton& skeleton) {
  const bpf_program* program = skeleton->progs.rpctee_tap;
  return bpf_program__fd(bpf_program__autoload(program) ? program : skeleton->progs.rpctee_tap_old);
}

int ReplyProgramFd(const TapSkeleton& skeleton) {
  const bpf_program* program = skeleton->progs.rpctee_reply;
  return bpf_program__fd(bpf_program__autoload(program) ? program : skeleton->progs.rpctee_reply_old);
}

}  // namespace rpctee::tap
