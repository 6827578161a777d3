#include "lab/neighbour/neighbour.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>

#include "lab_neighbour.skel.h"

namespace rpctee::test {
namespace {

// Of Linux 6.6; the headers that we build with are older.
constexpr int kTcxIngress = 46;
constexpr int kTcxEgress = 47;
constexpr uint32_t kBefore = 1U << 3;

}  // namespace

Result<std::unique_ptr<Neighbour>> Neighbour::Load(const NeighbourOptions& options) {
  std::unique_ptr<Neighbour> neighbour(new Neighbour(lab_neighbour::open()));
  if (neighbour->skeleton_ == nullptr) {
    return FailErrno("open the neighbour", errno);
  }
  auto& constants = *neighbour->skeleton_->rodata;
  constants.cfg_port = options.port;
  constants.cfg_to_be = options.to_be;
  constants.cfg_verdict = options.verdict;
  constants.cfg_peer_of = options.peer_of;
  if (const int error = lab_neighbour::load(neighbour->skeleton_); error != 0) {
    return FailErrno("load the neighbour", -error);
  }
  return neighbour;
}

Neighbour::~Neighbour() { lab_neighbour::destroy(skeleton_); }

Status Neighbour::AttachTcx(uint32_t ifindex, tap::Direction direction, tap::TcxOrder order) {
  bpf_link_create_opts options{};
  options.sz = sizeof(options);
  options.flags = order == tap::TcxOrder::kFirst ? kBefore : 0;
  const int type = direction == tap::Direction::kIngress ? kTcxIngress : kTcxEgress;
  const int link = bpf_link_create(fd(), static_cast<int>(ifindex), static_cast<bpf_attach_type>(type), &options);
  if (link < 0) {
    return FailErrno("attach the neighbour by tcx", -link);
  }
  link_.Reset(link);
  return {};
}

Status Neighbour::AttachClsact(uint32_t ifindex, tap::Direction direction, uint32_t priority, uint32_t handle) {
  return Filter(ifindex, direction, priority, handle, 0);
}

Status Neighbour::ReplaceClsact(uint32_t ifindex, tap::Direction direction, uint32_t priority, uint32_t handle) {
  return Filter(ifindex, direction, priority, handle, BPF_TC_F_REPLACE);
}

Status Neighbour::Filter(uint32_t ifindex, tap::Direction direction, uint32_t priority, uint32_t handle,
                         uint32_t flags) {
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(ifindex);
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  if (const int error = bpf_tc_hook_create(&hook); error != 0 && error != -EEXIST) {
    return FailErrno("make the clsact qdisc", -error);
  }
  hook.attach_point = direction == tap::Direction::kIngress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
  bpf_tc_opts options{};
  options.sz = sizeof(options);
  options.prog_fd = fd();
  options.flags = flags;
  options.handle = handle;
  options.priority = priority;
  const int error = bpf_tc_attach(&hook, &options);
  return error == 0 ? Status() : FailErrno("attach the neighbour by clsact", -error);
}

uint64_t Neighbour::packets() const { return __atomic_load_n(&skeleton_->bss->packets, __ATOMIC_RELAXED); }

uint32_t Neighbour::id() const {
  bpf_prog_info info{};
  uint32_t bytes = sizeof(info);
  return bpf_obj_get_info_by_fd(fd(), &info, &bytes) == 0 ? info.id : 0;
}

int Neighbour::fd() const { return bpf_program__fd(skeleton_->progs.neighbour); }

}  // namespace rpctee::test
