#include "tap/tc_filter.h"

#include <bpf/libbpf.h>
#include <libmnl/libmnl.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "tap/libbpf_log.h"
#include "tap/netlink.h"

namespace rpctee::tap {
namespace {

constexpr int kListTries = 5;

bpf_tc_hook HookFor(uint32_t ifindex, Direction direction) {
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(ifindex);
  hook.attach_point = direction == Direction::kIngress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
  return hook;
}

bpf_tc_opts PlaceOf(const TcFilter& place) {
  bpf_tc_opts opts{};
  opts.sz = sizeof(opts);
  opts.handle = place.handle;
  opts.priority = place.priority;
  return opts;
}

void ReadBpfOptions(const nlattr& options, TcFilter& filter) {
  ForEachNested(options, [&](const nlattr& attribute) {
    const uint16_t type = mnl_attr_get_type(&attribute);
    if (type == TCA_BPF_ID && mnl_attr_validate(&attribute, MNL_TYPE_U32) >= 0) {
      filter.program_id = mnl_attr_get_u32(&attribute);
    } else if (type == TCA_BPF_NAME) {
      filter.name = AttributeText(attribute);
    }
  });
}

TcFilter ReadFilter(const nlmsghdr& message) {
  const auto* head = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(&message));
  TcFilter filter;
  filter.priority = TC_H_MAJ(head->tcm_info) >> 16;
  filter.handle = head->tcm_handle;
  bool is_bpf = false;
  const nlattr* options = nullptr;
  ForEachAttribute(message, sizeof(tcmsg), [&](const nlattr& attribute) {
    const uint16_t type = mnl_attr_get_type(&attribute);
    if (type == TCA_KIND) {
      is_bpf = std::string_view(AttributeText(attribute)) == "bpf";
    } else if (type == TCA_OPTIONS) {
      options = &attribute;
    }
  });
  if (is_bpf && options != nullptr) {
    ReadBpfOptions(*options, filter);
  }
  return filter;
}

Result<bool> ListOnce(int fd, uint32_t ifindex, Direction direction, std::vector<TcFilter>& filters) {
  alignas(nlmsghdr) std::array<uint8_t, 256> buffer{};
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = RTM_GETTFILTER;
  auto* head = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(tcmsg)));
  head->tcm_ifindex = static_cast<int>(ifindex);
  head->tcm_parent = TC_H_MAKE(TC_H_CLSACT, direction == Direction::kIngress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
  return Dump(fd, request, [&](const nlmsghdr& message) {
    if (message.nlmsg_type == RTM_NEWTFILTER && mnl_nlmsg_get_payload_len(&message) >= sizeof(tcmsg)) {
      filters.push_back(ReadFilter(message));
    }
  });
}

}  // namespace

Result<std::vector<TcFilter>> ListFilters(uint32_t ifindex, Direction direction) {
  Result<Fd> fd = OpenRouteSocket(0);
  if (!fd) {
    return tl::unexpected(fd.error());
  }
  for (int i = 0; i < kListTries; ++i) {
    std::vector<TcFilter> filters;
    const Result<bool> complete = ListOnce(fd->get(), ifindex, direction, filters);
    if (!complete) {
      return WithContext("list the tc filters", complete.error());
    }
    if (*complete) {
      return filters;
    }
  }
  return Fail("list the tc filters: they changed all the time");
}

Status EnsureClsact(uint32_t ifindex) {
  const LibbpfLog log;
  bpf_tc_hook hook = HookFor(ifindex, Direction::kIngress);
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  const int error = bpf_tc_hook_create(&hook);
  if (error != 0 && error != -EEXIST) {
    return FailErrno("make the clsact qdisc", -error);
  }
  return {};
}

Status AddFilter(uint32_t ifindex, Direction direction, const TcFilter& place, int program_fd) {
  const LibbpfLog log;
  const bpf_tc_hook hook = HookFor(ifindex, direction);
  bpf_tc_opts opts = PlaceOf(place);
  opts.prog_fd = program_fd;
  const int error = bpf_tc_attach(&hook, &opts);
  if (error != 0) {
    return FailErrno("add a tc filter at priority " + std::to_string(place.priority), -error);
  }
  return {};
}

Status RemoveFilter(uint32_t ifindex, Direction direction, const TcFilter& place) {
  const LibbpfLog log;
  const bpf_tc_hook hook = HookFor(ifindex, direction);
  const bpf_tc_opts opts = PlaceOf(place);
  const int error = bpf_tc_detach(&hook, &opts);
  if (error != 0) {
    return FailErrno("remove the tc filter at priority " + std::to_string(place.priority), -error);
  }
  return {};
}

}  // namespace rpctee::tap
