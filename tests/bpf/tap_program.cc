#include "bpf/tap_program.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>
#include <numeric>

#include "base/clock.h"
#include "rpctee_tap.skel.h"

namespace rpctee::test {
namespace {

constexpr uint32_t kZero = 0;

rpctee_endpoint_key KeyOf(std::string_view text) {
  const SocketAddress address = SocketAddress::Parse(text).value();
  rpctee_endpoint_key key{};
  std::memcpy(key.address, address.ip.bytes.data(), sizeof(key.address));
  key.port_be = htons(address.port);
  return key;
}

}  // namespace

TapProgram::TapProgram(const TapProgramOptions& options) {
  libbpf_set_print([](libbpf_print_level, const char*, va_list) { return 0; });
  skeleton_ = rpctee_tap__open();
  if (skeleton_ == nullptr) {
    error_ = "can't open the tap program";
    return;
  }
  // Set to test the program for kernels without bpf_loop on a kernel that has it; on one that has not it is needed.
  const bool use_old = std::getenv("RPCTEE_TAP_OLD") != nullptr;
  program_ = use_old ? skeleton_->progs.rpctee_tap_old : skeleton_->progs.rpctee_tap;
  bpf_program__set_autoload(skeleton_->progs.rpctee_tap, !use_old);
  bpf_program__set_autoload(skeleton_->progs.rpctee_tap_old, use_old);
  skeleton_->rodata->cfg_max_request_bytes = options.max_request_bytes;
  skeleton_->rodata->cfg_socket_mark = options.socket_mark;
  bpf_map__set_max_entries(skeleton_->maps.rpctee_records, options.ring_bytes);
  if (const int error = rpctee_tap__load(skeleton_); error != 0) {
    error_ = std::string("can't load the tap program: ") + std::strerror(-error);
    return;
  }
  ring_ = ring_buffer__new(bpf_map__fd(skeleton_->maps.rpctee_records), OnRecord, this, nullptr);
  Heartbeat(MonotonicNs());
}

TapProgram::~TapProgram() {
  ring_buffer__free(ring_);
  rpctee_tap__destroy(skeleton_);
}

void TapProgram::Endpoint(std::string_view address, uint64_t threshold) {
  const rpctee_endpoint_key key = KeyOf(address);
  const rpctee_endpoint value = {.threshold = threshold, .endpoint_id = 0, .zero = 0};
  ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.rpctee_endpoint), &key, &value, BPF_ANY), 0);
}

void TapProgram::OwnConnection(std::string_view local) {
  const rpctee_endpoint_key key = KeyOf(local);
  const uint32_t value = 1;
  ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.rpctee_own), &key, &value, BPF_ANY), 0);
}

void TapProgram::Heartbeat(uint64_t time_ns) {
  const int map = bpf_map__fd(skeleton_->maps.rpctee_control);
  rpctee_control control{};
  ASSERT_EQ(bpf_map_lookup_elem(map, &kZero, &control), 0);
  control.heartbeat_ns = time_ns;
  ASSERT_EQ(bpf_map_update_elem(map, &kZero, &control, BPF_ANY), 0);
}

void TapProgram::Asleep(bool asleep) {
  const int map = bpf_map__fd(skeleton_->maps.rpctee_control);
  rpctee_control control{};
  ASSERT_EQ(bpf_map_lookup_elem(map, &kZero, &control), 0);
  control.worker_asleep = asleep ? 1 : 0;
  ASSERT_EQ(bpf_map_update_elem(map, &kZero, &control, BPF_ANY), 0);
}

bool TapProgram::asleep() const {
  rpctee_control control{};
  EXPECT_EQ(bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.rpctee_control), &kZero, &control), 0);
  return control.worker_asleep != 0;
}

RunResult TapProgram::Run(Bytes packet, uint32_t mark) {
  std::vector<uint8_t> out(packet.size() + 64);
  __sk_buff context{};
  context.mark = mark;
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.data_in = packet.data();
  options.data_size_in = static_cast<uint32_t>(packet.size());
  options.data_out = out.data();
  options.data_size_out = static_cast<uint32_t>(out.size());
  options.ctx_in = &context;
  options.ctx_size_in = sizeof(context);
  RunResult result;
  if (bpf_prog_test_run_opts(bpf_program__fd(program_), &options) != 0) {
    result.refused = true;
    return result;
  }
  result.verdict = static_cast<int>(options.retval);
  result.unchanged =
      options.data_size_out == packet.size() && std::memcmp(out.data(), packet.data(), packet.size()) == 0;
  return result;
}

void TapProgram::Pass(const std::vector<std::vector<uint8_t>>& packets) {
  for (size_t i = 0; i < packets.size(); ++i) {
    const RunResult result = Run(packets[i]);
    EXPECT_FALSE(result.refused) << "packet " << i;
    EXPECT_EQ(result.verdict, kContinue) << "packet " << i;
    EXPECT_TRUE(result.unchanged) << "packet " << i;
  }
}

std::map<std::string, uint64_t> TapProgram::Counted() {
  const int cpus = libbpf_num_possible_cpus();
  std::vector<rpctee_counters> per_cpu(static_cast<size_t>(cpus));
  EXPECT_EQ(bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.rpctee_counters), &kZero, per_cpu.data()), 0);
  std::map<std::string, uint64_t> now;
  for (const rpctee_counters& counters : per_cpu) {
#define RPCTEE_ADD(name, help) now[#name] += counters.name;
    RPCTEE_TAP_COUNTERS(RPCTEE_ADD)
#undef RPCTEE_ADD
  }
  std::map<std::string, uint64_t> counted;
  for (const auto& [name, value] : now) {
    if (value != last_counters_[name]) {
      counted[name] = value - last_counters_[name];
    }
  }
  last_counters_ = now;
  return counted;
}

void TapProgram::HandBack(uint32_t holes) {
  const rpctee_handback word = {.flow_id = last_record_.flow_id, .holes = holes, .give_up = 0};
  ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.rpctee_handback), &last_record_.flow, &word, BPF_ANY), 0);
}

void TapProgram::GiveUp() {
  const rpctee_handback word = {.flow_id = last_record_.flow_id, .holes = 0, .give_up = 1};
  ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.rpctee_handback), &last_record_.flow, &word, BPF_ANY), 0);
}

int TapProgram::OnRecord(void* context, void* data, size_t bytes) {
  rpctee_record record{};
  EXPECT_GE(bytes, sizeof(record));
  std::memcpy(&record, data, sizeof(record));
  EXPECT_EQ(bytes, sizeof(record) + record.part_bytes);
  auto* const self = static_cast<TapProgram*>(context);
  self->copied_.raw.emplace_back(static_cast<const uint8_t*>(data), static_cast<const uint8_t*>(data) + bytes);
  self->TakeRecord(record, Bytes(static_cast<const uint8_t*>(data) + sizeof(record), record.part_bytes));
  return 0;
}

void TapProgram::TakeRecord(const rpctee_record& record, Bytes bytes) {
  ++copied_.records;
  last_record_ = record;
  if (record.kind == RPCTEE_RECORD_CUT) {
    copied_.cuts.push_back(record.cut_reason);
    open_.erase(record.flow_id);
    return;
  }
  if (record.kind != RPCTEE_RECORD_PART) {
    copied_.stream.push_back({record.kind, record.seq, record.holes, {bytes.begin(), bytes.end()}});
    return;
  }
  std::vector<uint8_t>& frame = open_[record.flow_id];
  if (record.offset == 0) {
    frame.clear();
  }
  EXPECT_EQ(record.offset, frame.size()) << "a part does not follow the one before";
  frame.insert(frame.end(), bytes.begin(), bytes.end());
  EXPECT_LE(frame.size(), record.frame_bytes);
  if (frame.size() == record.frame_bytes) {
    copied_.frames.push_back(frame);
    copied_.draws.push_back(record.draw);
    open_.erase(record.flow_id);
  }
}

TapProgram::Copied TapProgram::Records() {
  ring_buffer__consume(ring_);
  return std::exchange(copied_, {});
}

void TapProgramTest::SetUp() {
  if (geteuid() != 0) {
    GTEST_SKIP() << "needs root to load a BPF program";
  }
  tap_ = std::make_unique<TapProgram>();
  ASSERT_EQ(tap_->error(), "");
  tap_->Endpoint("10.0.0.2:20880");
  tap_->Endpoint("[fd00::2]:20880");
}

}  // namespace rpctee::test
