#include "empty_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>

#include <cerrno>

namespace rpctee::bench {
namespace {

// BPF_TCX_INGRESS and BPF_TCX_EGRESS of Linux 6.6; the headers that we build with are older.
constexpr int kTcxIngress = 46;
constexpr int kTcxEgress = 47;
// Behind the priorities that the tap takes.
constexpr uint32_t kPriority = 60'000;
constexpr uint32_t kHandle = 1;

bpf_tc_hook TcHook(int ifindex, bool ingress) {
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = ifindex;
  hook.attach_point = ingress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
  return hook;
}

bpf_tc_opts TcOptions() {
  bpf_tc_opts options{};
  options.sz = sizeof(options);
  options.handle = kHandle;
  options.priority = kPriority;
  return options;
}

}  // namespace

Result<RunTime> ReadRunTime(int program_fd) {
  bpf_prog_info info{};
  uint32_t bytes = sizeof(info);
  if (bpf_obj_get_info_by_fd(program_fd, &info, &bytes) != 0) {
    return FailErrno("read the run time of a program", errno);
  }
  return RunTime{.ns = info.run_time_ns, .runs = info.run_cnt};
}

Result<std::unique_ptr<EmptyProgram>> EmptyProgram::Attach(const Hook& hook) {
  const auto ifindex = static_cast<int>(::if_nametoindex(hook.interface.c_str()));
  if (ifindex == 0) {
    return FailErrno("find interface " + hook.interface, errno);
  }
  bench_empty* skeleton = bench_empty__open_and_load();
  if (skeleton == nullptr) {
    return FailErrno("load the empty program", errno);
  }
  std::unique_ptr<EmptyProgram> program(new EmptyProgram(skeleton));
  const Status attached =
      hook.tcx ? program->AttachTcx(ifindex, hook.ingress) : program->AttachFilter(ifindex, hook.ingress);
  if (!attached) {
    return tl::unexpected(attached.error());
  }
  return program;
}

EmptyProgram::~EmptyProgram() {
  if (filter_ifindex_ != 0) {
    const bpf_tc_hook hook = TcHook(filter_ifindex_, filter_ingress_);
    const bpf_tc_opts options = TcOptions();
    (void)bpf_tc_detach(&hook, &options);
  }
  link_.Reset();
  bench_empty__destroy(skeleton_);
}

int EmptyProgram::fd() const { return bpf_program__fd(skeleton_->progs.rpctee_empty); }

Status EmptyProgram::AttachTcx(int ifindex, bool ingress) {
  const int link =
      bpf_link_create(fd(), ifindex, static_cast<bpf_attach_type>(ingress ? kTcxIngress : kTcxEgress), nullptr);
  if (link < 0) {
    return FailErrno("attach the empty program by tcx", -link);
  }
  link_.Reset(link);
  return {};
}

Status EmptyProgram::AttachFilter(int ifindex, bool ingress) {
  const bpf_tc_hook hook = TcHook(ifindex, ingress);
  bpf_tc_opts options = TcOptions();
  options.prog_fd = fd();
  if (const int error = bpf_tc_attach(&hook, &options); error != 0) {
    return FailErrno("attach the empty program by clsact", -error);
  }
  filter_ifindex_ = ifindex;
  filter_ingress_ = ingress;
  return {};
}

}  // namespace rpctee::bench
