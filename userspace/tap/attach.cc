#include "tap/attach.h"

#include <bpf/bpf.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace rpctee::tap {
namespace {

// libbpf names a filter "<program>:[<id>]"; those for newer and older kernels start alike.
std::string_view FilterName(Program program) { return program == Program::kRequests ? "rpctee_tap" : "rpctee_reply"; }

constexpr size_t kMostLentLinks = 64;

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

bool Exists(uint32_t ifindex) {
  char name[IF_NAMESIZE];
  return ::if_indextoname(ifindex, name) != nullptr;
}

// libbpf's names of filters end in the program's id, which Neighbour has already.
std::string WithoutId(const std::string& filter_name) { return filter_name.substr(0, filter_name.find(":[")); }

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

Attacher::Attacher(const std::map<Program, int>& program_fds, std::string_view identity, TcxOrder order)
    : handle_(HandleOf(identity)), order_(order) {
  for (const auto& [program, fd] : program_fds) {
    programs_[program] = {.fd = fd, .id = ProgramId(fd)};
  }
}

Attacher::~Attacher() {
  while (!held_.empty()) {
    const Place place = held_.begin()->first;
    Detach(place.first, place.second);
  }
}

Result<Attachment> Attacher::Attach(uint32_t ifindex, Side side, AttachMode mode) {
  if (const auto it = held_.find({ifindex, side}); it != held_.end()) {
    Result<Sighting> sighting = LookAt(it->second);
    if (!sighting) {
      return tl::unexpected(sighting.error());
    }
    if (sighting->presence == Presence::kAttached) {
      it->second.attachment.ahead = std::move(sighting->ahead);
      return it->second.attachment;
    }
    GiveUp(it);
  }
  if (!programs_.contains(side.program)) {
    return Fail("this program was not loaded");
  }
  const Result<std::string> name = CheckInterface(ifindex);
  if (!name) {
    return tl::unexpected(name.error());
  }
  Held held;
  held.attachment = {.ifindex = ifindex, .interface = *name, .side = side, .hook = Hook::kTcx, .ahead = {}};
  if (const Status attached = AttachNew(held, mode); !attached) {
    return tl::unexpected(attached.error());
  }
  if (Result<Sighting> sighting = LookAt(held)) {
    held.attachment.ahead = std::move(sighting->ahead);
  }
  return held_.insert_or_assign(Place{ifindex, side}, std::move(held)).first->second.attachment;
}

void Attacher::Detach(uint32_t ifindex, Side side) {
  const auto it = held_.find({ifindex, side});
  if (it == held_.end()) {
    return;
  }
  // A filter that someone put in our place is theirs; one that can't be removed is gone with its interface.
  const Result<Sighting> sighting = LookAt(it->second);
  if (it->second.attachment.hook == Hook::kClsact && sighting && sighting->presence == Presence::kAttached) {
    (void)RemoveFilter(ifindex, side.direction, it->second.filter);
  }
  GiveUp(it);
}

void Attacher::GiveUp(std::map<Place, Held>::iterator position) {
  Held& held = position->second;
  const Result<TcxLink> link = held.link.valid() ? ReadTcxLink(held.link.get()) : TcxLink{};
  if (link && link->ifindex != 0 && link->program_id != LoadedFor(held).id) {
    lent_links_.push_back(std::move(held.link));
    if (lent_links_.size() > kMostLentLinks) {
      lent_links_.pop_front();
    }
  }
  held_.erase(position);
}

Result<Sighting> Attacher::Look(uint32_t ifindex, Side side) const {
  const auto it = held_.find({ifindex, side});
  return it != held_.end() ? LookAt(it->second) : Sighting{};
}

std::vector<Attachment> Attacher::List() const {
  std::vector<Attachment> attachments;
  attachments.reserve(held_.size());
  for (const auto& [place, held] : held_) {
    attachments.push_back(held.attachment);
  }
  return attachments;
}

bool Attacher::IsOurs(const TcFilter& filter, Program program) const {
  return filter.handle == handle_ && filter.priority >= kFirstPriority &&
         filter.priority < kFirstPriority + kPriorities && filter.name.starts_with(FilterName(program));
}

bool Attacher::IsOurProgram(uint32_t id) const {
  return std::any_of(programs_.begin(), programs_.end(), [id](const auto& entry) { return entry.second.id == id; });
}

std::vector<Neighbour> Attacher::TcxNeighbours(const Attachment& where, uint32_t until_program) const {
  std::vector<Neighbour> ahead;
  for (const uint32_t id : TcxPrograms(where.ifindex, where.side.direction)) {
    if (id == until_program) {
      break;
    }
    if (!IsOurProgram(id)) {
      ahead.push_back({.hook = Hook::kTcx, .priority = 0, .handle = 0, .program_id = id, .name = ProgramName(id)});
    }
  }
  return ahead;
}

Result<Sighting> Attacher::LookAt(const Held& held) const {
  Result<Sighting> sighting = held.attachment.hook == Hook::kTcx ? LookAtLink(held) : LookAtFilter(held);
  if (sighting && sighting->presence != Presence::kAttached && !Exists(held.attachment.ifindex)) {
    sighting->presence = Presence::kInterfaceGone;
  }
  return sighting;
}

Result<Sighting> Attacher::LookAtLink(const Held& held) const {
  const Attachment& where = held.attachment;
  const Result<TcxLink> link = ReadTcxLink(held.link.get());
  if (!link) {
    return tl::unexpected(link.error());
  }
  if (link->ifindex != where.ifindex) {
    return Sighting{.presence = Presence::kRemoved, .ahead = {}};
  }
  if (link->program_id != LoadedFor(held).id) {
    return Sighting{.presence = Presence::kReplaced, .ahead = {}};
  }
  return Sighting{.presence = Presence::kAttached, .ahead = TcxNeighbours(where, LoadedFor(held).id)};
}

Result<Sighting> Attacher::LookAtFilter(const Held& held) const {
  const Attachment& where = held.attachment;
  const Result<std::vector<TcFilter>> filters = ListFilters(where.ifindex, where.side.direction);
  if (!filters) {
    return tl::unexpected(filters.error());
  }
  // Programs at tcx come before all filters.
  Sighting sighting;
  sighting.ahead = TcxNeighbours(where, LoadedFor(held).id);
  for (const TcFilter& filter : *filters) {
    if (filter.priority == held.filter.priority && filter.handle == held.filter.handle) {
      sighting.presence = filter.program_id == LoadedFor(held).id ? Presence::kAttached : Presence::kReplaced;
      break;
    }
    if (filter.handle != 0 && !IsOurProgram(filter.program_id)) {
      sighting.ahead.push_back({.hook = Hook::kClsact,
                                .priority = filter.priority,
                                .handle = filter.handle,
                                .program_id = filter.program_id,
                                .name = WithoutId(filter.name)});
    }
  }
  return sighting;
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
  const Attachment& where = held.attachment;
  Result<std::optional<Fd>> link = LinkTcx(LoadedFor(held).fd, where.ifindex, where.side.direction, order_);
  if (!link) {
    return tl::unexpected(link.error());
  }
  if (!*link) {
    return false;
  }
  held.link = std::move(**link);
  held.attachment.hook = Hook::kTcx;
  if (const Result<std::vector<TcFilter>> filters = ListFilters(where.ifindex, where.side.direction)) {
    RemoveOurs(*filters, where);
  }
  return true;
}

Status Attacher::AttachClsact(Held& held) const {
  const Attachment& where = held.attachment;
  if (const Status qdisc = EnsureClsact(where.ifindex); !qdisc) {
    return qdisc;
  }
  const Result<std::vector<TcFilter>> filters = ListFilters(where.ifindex, where.side.direction);
  if (!filters) {
    return tl::unexpected(filters.error());
  }
  const Result<uint32_t> priority = FreePriority(*filters);
  if (!priority) {
    return tl::unexpected(priority.error());
  }
  held.filter = {.priority = *priority, .handle = handle_, .program_id = LoadedFor(held).id, .name = {}};
  if (const Status added = AddFilter(where.ifindex, where.side.direction, held.filter, LoadedFor(held).fd); !added) {
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
    if (IsOurs(filter, where.side.program)) {
      (void)RemoveFilter(where.ifindex, where.side.direction, filter);
    }
  }
}

}  // namespace rpctee::tap
