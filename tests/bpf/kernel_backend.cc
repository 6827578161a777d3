#include "bpf/kernel_backend.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace rpctee::test {
namespace {

constexpr uint32_t kZero = 0;

__sk_buff ContextOf(const PacketContext& packet) {
  __sk_buff context{};
  context.mark = packet.mark;
  context.priority = packet.priority;
  std::copy(packet.cb.begin(), packet.cb.end(), context.cb);
  context.tstamp = packet.tstamp;
  return context;
}

PacketContext ContextOf(const __sk_buff& context) {
  PacketContext packet;
  packet.mark = context.mark;
  packet.priority = context.priority;
  std::copy_n(context.cb, packet.cb.size(), packet.cb.begin());
  packet.tstamp = context.tstamp;
  return packet;
}

}  // namespace

std::unique_ptr<TapBackend> MakeTapBackend(const TapProgramOptions& options) {
  return std::make_unique<KernelBackend>(options);
}

std::string WhyNoTapBackend() { return geteuid() == 0 ? "" : "needs root to load a BPF program"; }

KernelBackend::KernelBackend(const TapProgramOptions& options, Loading loading)
    : program_(loading == Loading::kFresh ? std::make_unique<KernelProgram>(LoadOptions(options))
                                          : KernelProgram::Borrow(LoadOptions(options))),
      error_(program_->error()) {
  while (error_.empty() && rings() < options.rings) {
    if (!AddRing(options.ring_bytes)) {
      error_ = std::string("can't make a ring: ") + std::strerror(errno);
    }
  }
}

bool KernelBackend::AddRing(uint32_t bytes) {
  const uint32_t index = rings();
  Ring& ring = rings_.emplace_back();
  ring.map = bpf_map_create(BPF_MAP_TYPE_RINGBUF, "rpctee_ring", 0, 0, bytes, nullptr);
  if (ring.map < 0 || !Update("rpctee_rings", &index, &ring.map)) {
    return false;
  }
  ring.reader = ring_buffer__new(ring.map, OnRecord, this, nullptr);
  return ring.reader != nullptr;
}

KernelBackend::~KernelBackend() {
  for (const Ring& ring : rings_) {
    ring_buffer__free(ring.reader);
    if (ring.map >= 0) {
      ::close(ring.map);
    }
  }
  KernelProgram::GiveBack(std::move(program_));
}

bool KernelBackend::Update(const char* map, const void* key, const void* value) {
  return bpf_map_update_elem(program_->MapFd(map), key, value, BPF_ANY) == 0;
}

bool KernelBackend::Lookup(const char* map, const void* key, void* value) const {
  return bpf_map_lookup_elem(program_->MapFd(map), key, value) == 0;
}

rpctee_counters KernelBackend::Counters() const {
  std::vector<rpctee_counters> per_cpu(static_cast<size_t>(libbpf_num_possible_cpus()));
  rpctee_counters sum{};
  if (!Lookup("rpctee_counters", &kZero, per_cpu.data())) {
    return sum;
  }
  for (const rpctee_counters& counters : per_cpu) {
#define RPCTEE_ADD(name, help) sum.name += counters.name;
    RPCTEE_TAP_COUNTERS(RPCTEE_ADD)
#undef RPCTEE_ADD
  }
  return sum;
}

RunResult KernelBackend::RunProgram(const bpf_program* program, Bytes packet, const PacketContext& context) {
  out_.resize(std::max(out_.size(), packet.size() + 64));
  const __sk_buff before = ContextOf(context);
  __sk_buff after{};
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.data_in = packet.data();
  options.data_size_in = static_cast<uint32_t>(packet.size());
  options.data_out = out_.data();
  options.data_size_out = static_cast<uint32_t>(out_.size());
  options.ctx_in = &before;
  options.ctx_size_in = sizeof(before);
  options.ctx_out = &after;
  options.ctx_size_out = sizeof(after);
  RunResult result;
  if (bpf_prog_test_run_opts(bpf_program__fd(program), &options) != 0) {
    result.refused = true;
    return result;
  }
  result.verdict = static_cast<int>(options.retval);
  result.unchanged = options.data_size_out == packet.size() &&
                     std::memcmp(out_.data(), packet.data(), packet.size()) == 0 && ContextOf(after) == context;
  return result;
}

int KernelBackend::OnRecord(void* context, void* data, size_t bytes) {
  (*static_cast<KernelBackend*>(context)->take_)(Bytes(static_cast<const uint8_t*>(data), bytes));
  return 0;
}

void KernelBackend::Drain(uint32_t ring, const std::function<void(Bytes)>& take) {
  take_ = &take;
  ring_buffer__consume(rings_.at(ring).reader);
  take_ = nullptr;
}

// The writer's position, which is alone on the second page that the ring shows.
uint64_t KernelBackend::BytesTaken(uint32_t ring) const {
  const long page = ::sysconf(_SC_PAGESIZE);
  void* const writer = ::mmap(nullptr, static_cast<size_t>(page), PROT_READ, MAP_SHARED, rings_.at(ring).map, page);
  if (writer == MAP_FAILED) {
    return 0;
  }
  const uint64_t position = *static_cast<const uint64_t*>(writer);
  ::munmap(writer, static_cast<size_t>(page));
  return position;
}

void KernelBackend::Forget() {
  for (uint32_t ring = 0; ring < rings(); ++ring) {
    Drain(ring, [](Bytes) {});
  }
  program_->Forget();
}

}  // namespace rpctee::test
