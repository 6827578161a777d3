#include "tap/attach.h"

#include <bpf/bpf.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "tap/libbpf_log.h"

namespace rpctee::tap {
namespace {

// BPF_TCX_INGRESS and BPF_TCX_EGRESS of Linux 6.6; the headers that we build with are older.
constexpr int kTcxIngress = 46;
constexpr int kTcxEgress = 47;

// libbpf names a filter "<program>:[<id>]"; the programs of the object all start like this.
constexpr std::string_view kFilterName = "rpctee_tap";

uint32_t HandleOf(std::string_view identity) {
  uint32_t hash = 2'166'136'261U;  // FNV-1a
  for (const char c : identity) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 16'777'619U;
  }
  return (hash & 0x7fff'ffffU) | 1U;  // 0 is no handle
}

uint32_t ProgramId(int program_fd) {
  bpf_prog_info info{};
  uint32_t bytes = sizeof(info);
  return bpf_obj_get_info_by_fd(program_fd, &info, &bytes) == 0 ? info.id : 0;
}

// Where a tcx link is attached; 0 when its interface has gone. tcx and xdp links report the index in the same place.
uint32_t LinkIfindex(int link_fd) {
  bpf_link_info info{};
  uint32_t bytes = sizeof(info);
  return bpf_obj_get_info_by_fd(link_fd, &info, &bytes) == 0 ? info.xdp.ifindex : 0;
}

// The name of the interface. Fails when it is gone, or when its packets have no Ethernet header, which the program
// needs.
Result<std::string> CheckInterface(uint32_t ifindex) {
  ifreq request{};
  if (::if_indextoname(ifindex, request.ifr_name) == nullptr) {
    return Fail("the interface is gone");
  }
  const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (::ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0) {
    return errno == ENODEV ? tl::unexpected(Error{"the interface is gone"}) : FailErrno("read its type", errno);
  }
  const int type = request.ifr_hwaddr.sa_family;
  if (type != ARPHRD_ETHER && type != ARPHRD_LOOPBACK) {
    return Fail("packets of " + std::string(request.ifr_name) + " have no Ethernet header (link type " +
                std::to_string(type) + "), which the tap program needs");
  }
  return std::string(request.ifr_name);
}

Result<uint32_t> FreePriority(const std::vector<TcFilter>& filters) {
  for (uint32_t priority = kFirstPriority; priority < kFirstPriority + kPriorities; ++priority) {
    if (std::none_of(filters.begin(), filters.end(), [&](const TcFilter& f) { return f.priority == priority; })) {
      return priority;
    }
  }
  return Fail("filters of others hold all priorities from " + std::to_string(kFirstPriority) + " to " +
              std::to_string(kFirstPriority + kPriorities - 1));
}

}  // namespace

Attacher::Attacher(int program_fd, std::string_view identity)
    : program_fd_(program_fd), program_id_(ProgramId(program_fd)), handle_(HandleOf(identity)) {}

Attacher::~Attacher() {
  while (!held_.empty()) {
    const Place place = held_.begin()->first;
    Detach(place.first, place.second);
  }
}

Result<Attachment> Attacher::Attach(uint32_t ifindex, Direction direction, AttachMode mode) {
  if (const auto it = held_.find({ifindex, direction}); it != held_.end()) {
    if (StillAttached(it->second)) {
      return it->second.attachment;
    }
    held_.erase(it);
  }
  const Result<std::string> name = CheckInterface(ifindex);
  if (!name) {
    return tl::unexpected(name.error());
  }
  Held held;
  held.attachment = {.ifindex = ifindex, .interface = *name, .direction = direction, .hook = Hook::kTcx};
  if (const Status attached = AttachNew(held, mode); !attached) {
    return tl::unexpected(attached.error());
  }
  return held_.emplace(Place{ifindex, direction}, std::move(held)).first->second.attachment;
}

void Attacher::Detach(uint32_t ifindex, Direction direction) {
  const auto it = held_.find({ifindex, direction});
  if (it == held_.end()) {
    return;
  }
  // A filter that someone put in our place is theirs; one that can't be removed is gone with its interface.
  if (it->second.attachment.hook == Hook::kClsact && StillAttached(it->second)) {
    (void)RemoveFilter(ifindex, direction, it->second.filter);
  }
  held_.erase(it);
}

std::vector<Attachment> Attacher::List() const {
  std::vector<Attachment> attachments;
  attachments.reserve(held_.size());
  for (const auto& [place, held] : held_) {
    attachments.push_back(held.attachment);
  }
  return attachments;
}

bool Attacher::IsOurs(const TcFilter& filter) const {
  return filter.handle == handle_ && filter.priority >= kFirstPriority &&
         filter.priority < kFirstPriority + kPriorities && filter.name.starts_with(kFilterName);
}

bool Attacher::StillAttached(const Held& held) const {
  const Attachment& attachment = held.attachment;
  if (attachment.hook == Hook::kTcx) {
    return LinkIfindex(held.link.get()) == attachment.ifindex;
  }
  const Result<std::vector<TcFilter>> filters = ListFilters(attachment.ifindex, attachment.direction);
  return filters && std::any_of(filters->begin(), filters->end(), [&](const TcFilter& filter) {
           return filter.priority == held.filter.priority && filter.handle == held.filter.handle &&
                  filter.program_id == program_id_;
         });
}

Status Attacher::AttachNew(Held& held, AttachMode mode) const {
  if (mode != AttachMode::kClsact) {
    const Result<bool> linked = AttachTcx(held);
    if (!linked) {
      return WithContext("tcx", linked.error());
    }
    if (*linked) {
      return {};
    }
    if (mode == AttachMode::kTcx) {
      return Fail("tcx: this kernel does not have it (Linux 6.6 brought it)");
    }
  }
  if (const Status filtered = AttachClsact(held); !filtered) {
    return WithContext("clsact", filtered.error());
  }
  return {};
}

Result<bool> Attacher::AttachTcx(Held& held) const {
  const LibbpfLog log;
  const Attachment& where = held.attachment;
  const int type = where.direction == Direction::kIngress ? kTcxIngress : kTcxEgress;
  const int link =
      bpf_link_create(program_fd_, static_cast<int>(where.ifindex), static_cast<bpf_attach_type>(type), nullptr);
  if (link == -EINVAL || link == -EOPNOTSUPP) {
    return false;
  }
  if (link == -ENODEV) {
    return Fail("the interface is gone");
  }
  if (link < 0) {
    return FailErrno("make a link", -link);
  }
  held.link.Reset(link);
  held.attachment.hook = Hook::kTcx;
  if (const Result<std::vector<TcFilter>> filters = ListFilters(where.ifindex, where.direction)) {
    RemoveOurs(*filters, where);
  }
  return true;
}

Status Attacher::AttachClsact(Held& held) const {
  const Attachment& where = held.attachment;
  if (const Status qdisc = EnsureClsact(where.ifindex); !qdisc) {
    return qdisc;
  }
  const Result<std::vector<TcFilter>> filters = ListFilters(where.ifindex, where.direction);
  if (!filters) {
    return tl::unexpected(filters.error());
  }
  const Result<uint32_t> priority = FreePriority(*filters);
  if (!priority) {
    return tl::unexpected(priority.error());
  }
  held.filter = {.priority = *priority, .handle = handle_, .program_id = program_id_, .name = {}};
  if (const Status added = AddFilter(where.ifindex, where.direction, held.filter, program_fd_); !added) {
    return added;
  }
  held.attachment.hook = Hook::kClsact;
  RemoveOurs(*filters, where);
  return {};
}

// What an earlier run left would see every packet too. If it can't be removed it does no harm: nobody refreshes the
// heartbeat of its own maps, so it lets every packet go.
void Attacher::RemoveOurs(const std::vector<TcFilter>& filters, const Attachment& where) const {
  for (const TcFilter& filter : filters) {
    if (IsOurs(filter)) {
      (void)RemoveFilter(where.ifindex, where.direction, filter);
    }
  }
}

}  // namespace rpctee::tap
