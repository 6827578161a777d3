#include "tap/tcx.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "tap/libbpf_log.h"

namespace rpctee::tap {
namespace {

// Of Linux 6.6; the headers that we build with are older.
constexpr int kTcxIngress = 46;
constexpr int kTcxEgress = 47;
constexpr uint32_t kBefore = 1U << 3;  // BPF_F_BEFORE; without a program to be before, it means before all
constexpr size_t kMostPrograms = 64;   // BPF_MPROG_MAX

bpf_attach_type TypeOf(Direction direction) {
  return static_cast<bpf_attach_type>(direction == Direction::kIngress ? kTcxIngress : kTcxEgress);
}

}  // namespace

Result<std::optional<Fd>> LinkTcx(int program_fd, uint32_t ifindex, Direction direction, TcxOrder order) {
  const LibbpfLog log;
  bpf_link_create_opts options{};
  options.sz = sizeof(options);
  options.flags = order == TcxOrder::kFirst ? kBefore : 0;
  const int link = bpf_link_create(program_fd, static_cast<int>(ifindex), TypeOf(direction), &options);
  if (link == -EINVAL || link == -EOPNOTSUPP) {
    return std::nullopt;
  }
  if (link == -ENODEV) {
    return Fail("the interface is gone");
  }
  if (link < 0) {
    return FailErrno("make a link", -link);
  }
  return Fd(link);
}

Result<TcxLink> ReadTcxLink(int link_fd) {
  bpf_link_info info{};
  uint32_t bytes = sizeof(info);
  if (const int error = bpf_obj_get_info_by_fd(link_fd, &info, &bytes); error != 0) {
    return FailErrno("read a tcx link", -error);
  }
  // Links to tcx and to xdp report the interface in the same place.
  return TcxLink{.ifindex = info.xdp.ifindex, .program_id = info.prog_id};
}

std::vector<uint32_t> TcxPrograms(uint32_t ifindex, Direction direction) {
  std::array<uint32_t, kMostPrograms> ids{};
  struct bpf_prog_query_opts query {};
  query.sz = sizeof(query);
  query.prog_ids = ids.data();
  query.prog_cnt = ids.size();
  if (bpf_prog_query_opts(static_cast<int>(ifindex), TypeOf(direction), &query) != 0) {
    return {};
  }
  return {ids.begin(), ids.begin() + std::min<size_t>(query.prog_cnt, ids.size())};
}

std::string ProgramName(uint32_t program_id) {
  const Fd program(bpf_prog_get_fd_by_id(program_id));
  bpf_prog_info info{};
  uint32_t bytes = sizeof(info);
  if (!program.valid() || bpf_obj_get_info_by_fd(program.get(), &info, &bytes) != 0) {
    return {};
  }
  return info.name;
}

}  // namespace rpctee::tap
