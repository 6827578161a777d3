#include "tap/tap.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdio>
#include <map>
#include <optional>

#include "base/clock.h"
#include "base/hash.h"
#include "tap/attach.h"
#include "tap/control_page.h"
#include "tap/endpoint_table.h"
#include "tap/load.h"
#include "tap/maps.h"
#include "tap/own_connections.h"
#include "tap/pins.h"
#include "tap/record.h"
#include "tap/rings.h"

namespace rpctee::tap {
namespace {

uint64_t HashOf(Bytes bytes) {
  Fnv1a hash;
  hash.Add(bytes);
  return hash.value();
}

std::map<Program, int> Programs(const TapSkeleton& skeleton, const TapOptions& options) {
  std::map<Program, int> programs = {{Program::kRequests, ProgramFd(skeleton)}};
  if (options.replies) {
    programs[Program::kReplies] = ReplyProgramFd(skeleton);
  }
  return programs;
}

Status PinAll(Pins& pins, const TapSkeleton& skeleton, const Rings& rings, const TapOptions& options) {
  std::vector<std::pair<std::string, int>> files = {
      {"endpoints", bpf_map__fd(skeleton->maps.rpctee_endpoint)},
      {"flows", bpf_map__fd(skeleton->maps.rpctee_flows)},
      {"own", bpf_map__fd(skeleton->maps.rpctee_own)},
      {"ports", bpf_map__fd(skeleton->maps.rpctee_ports)},
      {"syns", bpf_map__fd(skeleton->maps.rpctee_syns)},
      {"handback", bpf_map__fd(skeleton->maps.rpctee_handback)},
      {"workers", bpf_map__fd(skeleton->maps.rpctee_workers)},
      {"counters", bpf_map__fd(skeleton->maps.rpctee_counters)},
      {"control", bpf_map__fd(skeleton->maps.rpctee_control)},
      {"program", ProgramFd(skeleton)},
  };
  if (options.replies) {
    files.emplace_back("answers", bpf_map__fd(skeleton->maps.rpctee_answers));
    files.emplace_back("replies", bpf_map__fd(skeleton->maps.rpctee_replies));
    files.emplace_back("latency", bpf_map__fd(skeleton->maps.rpctee_latency));
    files.emplace_back("reply_program", ReplyProgramFd(skeleton));
  }
  for (size_t i = 0; i < rings.size(); ++i) {
    files.emplace_back("ring" + std::to_string(i), rings.fd(i));
  }
  for (const auto& [name, fd] : files) {
    if (Status pinned = pins.Pin(name, fd); !pinned) {
      return pinned;
    }
  }
  return {};
}

template <typename Map>
Status Empty(const Map& map) {
  const auto entries = map.All();
  if (!entries) {
    return tl::unexpected(entries.error());
  }
  for (const auto& [key, value] : *entries) {
    if (Status erased = map.Erase(key); !erased) {
      return erased;
    }
  }
  return {};
}

}  // namespace

// Members go in reverse order: detached first, unpinned and unlocked last.
struct Tap::Impl {
  std::optional<Pins> pins;
  TapSkeleton skeleton;
  ControlPage control;
  Rings rings;
  OwnConnections own;
  std::optional<ReplyTable> replies;
  Attacher attacher;
  std::vector<route::EndpointThreshold> endpoints;
  std::vector<route::EndpointThreshold> any_endpoints;
  PortWords ports;
  std::atomic<uint64_t> invalid_records{0};

  Impl(std::optional<Pins> pin_directory, TapSkeleton loaded, ControlPage page, Rings made, const TapOptions& options)
      : pins(std::move(pin_directory)),
        skeleton(std::move(loaded)),
        control(std::move(page)),
        rings(std::move(made)),
        own(Typed<OwnMap>(skeleton->maps.rpctee_own)),
        attacher(Programs(skeleton, options), options.pin_directory, options.tcx_order) {
    if (options.replies) {
      const bpf_map* endpoints_map = skeleton->maps.rpctee_replies;
      const bpf_map* latency_map = skeleton->maps.rpctee_latency;
      replies.emplace(bpf_map__fd(endpoints_map), bpf_map__max_entries(endpoints_map), bpf_map__fd(latency_map),
                      bpf_map__max_entries(latency_map));
    }
  }

  template <typename Map>
  static Map Typed(const bpf_map* map) {
    return Map(bpf_map__fd(map), bpf_map__max_entries(map));
  }
  HandbackMap handback() const { return Typed<HandbackMap>(skeleton->maps.rpctee_handback); }
  Status Say(const Flow& flow, const rpctee_handback& word) const { return handback().Put(ToKey(flow), word); }

  Status ApplyEndpoints(const std::vector<route::EndpointThreshold>& exact,
                        const std::vector<route::EndpointThreshold>& any) {
    std::vector<route::EndpointThreshold> all = exact;
    all.insert(all.end(), any.begin(), any.end());
    const EndpointTable table = MakeTable(all);
    const PortWords wanted = PortsOf(table);
    PortWords both = wanted;
    for (const auto& [index, bits] : ports) {
      both[index] |= bits;
    }
    // A new port before its endpoints, an old one after: a bit too many costs a look-up, a bit too few loses requests.
    if (const Status applied = SetPorts(both); !applied) {
      return applied;
    }
    if (const Status applied = replies ? replies->Apply(table) : Status(); !applied) {
      return applied;
    }
    if (const Status applied = Apply(Typed<EndpointMap>(skeleton->maps.rpctee_endpoint), table); !applied) {
      return WithContext("endpoint table", applied.error());
    }
    if (const Status applied = SetPorts(wanted); !applied) {
      return applied;
    }
    control.NextGeneration();
    endpoints = exact;
    any_endpoints = any;
    return {};
  }

  Status SetPorts(const PortWords& wanted) {
    if (Status applied = ApplyPorts(Typed<PortMap>(skeleton->maps.rpctee_ports), ports, wanted); !applied) {
      return applied;
    }
    ports = wanted;
    return {};
  }
};

ObjectInfo EmbeddedObject() {
  size_t bytes = 0;
  const auto* object = static_cast<const uint8_t*>(rpctee_tap::elf_bytes(&bytes));
  char digest[17];
  std::snprintf(digest, sizeof(digest), "%016llx", static_cast<unsigned long long>(HashOf(Bytes(object, bytes))));
  return {.bytes = bytes, .digest = digest};
}

Tap::Tap(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Tap::~Tap() { impl_->control.Stop(); }

Result<std::unique_ptr<Tap>> Tap::Open(const TapOptions& options) {
  std::optional<Pins> pins;
  if (!options.pin_directory.empty()) {
    Result<Pins> claimed = Pins::Claim(options.pin_directory);
    if (!claimed) {
      return tl::unexpected(claimed.error());
    }
    pins.emplace(std::move(*claimed));
  }
  Result<TapSkeleton> skeleton = LoadProgram(options);
  if (!skeleton) {
    return tl::unexpected(skeleton.error());
  }
  Result<ControlPage> control = ControlPage::Map(bpf_map__fd((*skeleton)->maps.rpctee_control),
                                                 bpf_map__fd((*skeleton)->maps.rpctee_workers), options.rings);
  if (!control) {
    return tl::unexpected(control.error());
  }
  const auto page = static_cast<uint32_t>(::sysconf(_SC_PAGESIZE));
  Result<Rings> rings = Rings::Make(bpf_map__fd((*skeleton)->maps.rpctee_rings), options.rings,
                                    std::bit_ceil(std::max(options.ring_bytes, page)));
  if (!rings) {
    return tl::unexpected(rings.error());
  }
  if (pins) {
    if (const Status pinned = PinAll(*pins, *skeleton, *rings, options); !pinned) {
      return tl::unexpected(pinned.error());
    }
  }
  return std::unique_ptr<Tap>(new Tap(
      std::make_unique<Impl>(std::move(pins), std::move(*skeleton), std::move(*control), std::move(*rings), options)));
}

Status Tap::SetEndpoints(const std::vector<route::EndpointThreshold>& endpoints) {
  return impl_->ApplyEndpoints(endpoints, impl_->any_endpoints);
}

Status Tap::SetAnyEndpoint(uint16_t port, uint64_t threshold) {
  std::vector<route::EndpointThreshold> any = impl_->any_endpoints;
  std::erase_if(any, [port](const route::EndpointThreshold& endpoint) { return endpoint.address.port == port; });
  any.push_back({.address = {.ip = {}, .port = port}, .threshold = threshold});
  if (Status applied = impl_->ApplyEndpoints(impl_->endpoints, any); !applied) {
    return applied;
  }
  impl_->control.AllowAnyEndpoint();
  return {};
}

Status Tap::AddOwnConnection(const SocketAddress& local, const SocketAddress& remote) {
  return impl_->own.Add({local, remote});
}

void Tap::RemoveOwnConnection(const SocketAddress& local, const SocketAddress& remote) {
  impl_->own.Remove({local, remote});
}

bool Tap::IsOwnConnection(const SocketAddress& local, const SocketAddress& remote) const {
  return impl_->own.Contains({local, remote});
}

Result<Attachment> Tap::Attach(uint32_t ifindex, Side side, AttachMode mode) {
  return impl_->attacher.Attach(ifindex, side, mode);
}

void Tap::Detach(uint32_t ifindex, Side side) { impl_->attacher.Detach(ifindex, side); }

std::vector<Attachment> Tap::Attachments() const { return impl_->attacher.List(); }

Result<Sighting> Tap::Look(uint32_t ifindex, Side side) const { return impl_->attacher.Look(ifindex, side); }

void Tap::Heartbeat(size_t ring) { impl_->control.Heartbeat(ring, MonotonicNs()); }

Status Tap::StopSampling() {
  impl_->control.Stop();
  return impl_->rings.AwaitPrograms(bpf_map__fd(impl_->skeleton->maps.rpctee_rings));
}

Result<size_t> Tap::Drain(size_t ring, size_t max_records, const OnRecord& on_record) {
  CapturedRecord captured;
  return impl_->rings.at(ring).Drain(max_records, [&](Bytes record) {
    if (ParseRecord(record, captured)) {
      on_record(captured);
    } else {
      impl_->invalid_records.fetch_add(1, std::memory_order_relaxed);
    }
  });
}

int Tap::ring_fd(size_t ring) const { return impl_->rings.fd(ring); }

bool Tap::SetAsleep(size_t ring, bool asleep) {
  impl_->control.SetAsleep(ring, asleep);
  if (asleep && impl_->rings.at(ring).HasRecords()) {
    impl_->control.SetAsleep(ring, false);
    return false;
  }
  return true;
}

double Tap::Filled(size_t ring) const { return impl_->rings.at(ring).Filled(); }

Status Tap::TakeBack(const Flow& flow, uint64_t flow_id, uint32_t holes, Content protocol) {
  return impl_->Say(flow, {.flow_id = flow_id,
                           .holes = holes,
                           .word = RPCTEE_WORD_TAKE_BACK,
                           .content = static_cast<uint8_t>(protocol),
                           .zero = 0});
}

Status Tap::GiveUp(const Flow& flow, uint64_t flow_id, uint32_t holes) {
  return impl_->Say(flow, {.flow_id = flow_id, .holes = holes, .word = RPCTEE_WORD_GIVE_UP, .content = 0, .zero = 0});
}

Status Tap::GoOn(const Flow& flow, uint64_t flow_id, uint32_t holes) {
  return impl_->Say(flow, {.flow_id = flow_id, .holes = holes, .word = RPCTEE_WORD_GO_ON, .content = 0, .zero = 0});
}

Status Tap::Ignore(const Flow& flow, uint64_t flow_id, uint32_t holes, Content content) {
  return impl_->Say(flow, {.flow_id = flow_id,
                           .holes = holes,
                           .word = RPCTEE_WORD_IGNORE,
                           .content = static_cast<uint8_t>(content),
                           .zero = 0});
}

std::optional<FlowSight> Tap::LookUpFlow(const Flow& flow) const {
  const rpctee_flow_key key = ToKey(flow);
  rpctee_flow value{};
  if (bpf_map_lookup_elem(bpf_map__fd(impl_->skeleton->maps.rpctee_flows), &key, &value) != 0) {
    return std::nullopt;
  }
  return FlowSight{.mark = HashOf(Bytes(reinterpret_cast<const uint8_t*>(&value), sizeof(value))),
                   .ignored = value.state == RPCTEE_FLOW_IGNORE};
}

uint64_t Tap::InvalidRecords() const { return impl_->invalid_records.load(std::memory_order_relaxed); }

Result<TapTotals> Tap::Totals() const {
  const Result<rpctee_counters> counters = ReadCounters(bpf_map__fd(impl_->skeleton->maps.rpctee_counters));
  if (!counters) {
    return tl::unexpected(counters.error());
  }
  return TapTotals{.seen = counters->seen,
                   .not_sampled = counters->not_sampled,
                   .too_big = counters->too_big,
                   .ring_full = counters->ring_full,
                   .sampled = counters->sampled};
}

Result<std::vector<TapCounter>> Tap::Counters() const {
  const Result<rpctee_counters> counters = ReadCounters(bpf_map__fd(impl_->skeleton->maps.rpctee_counters));
  if (!counters) {
    return tl::unexpected(counters.error());
  }
#define RPCTEE_COUNTER_ENTRY(name, help) {#name, counters->name},
  return std::vector<TapCounter>{RPCTEE_TAP_COUNTERS(RPCTEE_COUNTER_ENTRY)};
#undef RPCTEE_COUNTER_ENTRY
}

Result<std::vector<EndpointReplies>> Tap::Replies() const {
  return impl_->replies ? impl_->replies->Read() : std::vector<EndpointReplies>{};
}

Status Tap::ClearFlows() {
  Status cleared = Empty(Impl::Typed<FlowMap>(impl_->skeleton->maps.rpctee_flows));
  if (cleared && impl_->replies) {
    cleared = Empty(Impl::Typed<AnswerMap>(impl_->skeleton->maps.rpctee_answers));
  }
  if (cleared && impl_->replies) {
    cleared = Empty(Impl::Typed<AskedMap>(impl_->skeleton->maps.rpctee_asked));
  }
  return cleared ? cleared : WithContext("flow table", cleared.error());
}

}  // namespace rpctee::tap
