#include "bpf/tap_program.h"

#include <arpa/inet.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "support/packet_builder.h"

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

bool WantsOldProgram() { return std::getenv("RPCTEE_TAP_OLD") != nullptr; }

TapProgram::TapProgram(std::unique_ptr<TapBackend> backend) : backend_(std::move(backend)) {
  if (error().empty()) {
    Heartbeat(kNeverStale);
  }
}

void TapProgram::Endpoint(std::string_view address, uint64_t threshold) {
  const rpctee_endpoint_key key = KeyOf(address);
  const rpctee_endpoint value = {.threshold = threshold, .endpoint_id = 0, .zero = 0};
  ASSERT_TRUE(backend_->Update("rpctee_endpoint", &key, &value));
  const rpctee_replies none{};
  ASSERT_TRUE(backend_->Update("rpctee_replies", &key, &none));
  const uint32_t port = ntohs(key.port_be);
  const uint32_t word = port / 64;
  uint64_t bits = 0;
  ASSERT_TRUE(backend_->Lookup("rpctee_ports", &word, &bits));
  bits |= uint64_t{1} << port % 64;
  ASSERT_TRUE(backend_->Update("rpctee_ports", &word, &bits));
  rpctee_control control = Control();
  ++control.generation;
  SetControl(control);
}

void TapProgram::OwnConnection(std::string_view local, std::string_view remote) {
  const rpctee_endpoint_key source = KeyOf(local);
  const rpctee_endpoint_key destination = KeyOf(remote);
  rpctee_flow_key key{};
  std::memcpy(key.source, source.address, sizeof(key.source));
  std::memcpy(key.destination, destination.address, sizeof(key.destination));
  key.source_port_be = source.port_be;
  key.destination_port_be = destination.port_be;
  const uint32_t value = 1;
  ASSERT_TRUE(backend_->Update("rpctee_own", &key, &value));
}

rpctee_control TapProgram::Control() const {
  rpctee_control control{};
  EXPECT_TRUE(backend_->Lookup("rpctee_control", &kZero, &control));
  return control;
}

void TapProgram::SetControl(const rpctee_control& control) {
  ASSERT_TRUE(backend_->Update("rpctee_control", &kZero, &control));
}

void TapProgram::Heartbeat(uint64_t time_ns) {
  rpctee_control control = Control();
  control.heartbeat_ns = time_ns;
  control.joins_left = 1'000'000;
  SetControl(control);
}

void TapProgram::JoinsLeft(uint32_t joins) {
  rpctee_control control = Control();
  control.joins_left = joins;
  SetControl(control);
}

void TapProgram::AnyEndpoint(bool any) {
  rpctee_control control = Control();
  control.any_endpoint = any ? 1 : 0;
  SetControl(control);
}

void TapProgram::Asleep(bool asleep) {
  rpctee_worker worker{};
  worker.asleep = asleep ? 1 : 0;
  ASSERT_TRUE(backend_->Update("rpctee_workers", &kZero, &worker));
}

bool TapProgram::asleep() const {
  rpctee_worker worker{};
  EXPECT_TRUE(backend_->Lookup("rpctee_workers", &kZero, &worker));
  return worker.asleep != 0;
}

void TapProgram::Pass(const std::vector<std::vector<uint8_t>>& packets) {
  for (size_t i = 0; i < packets.size(); ++i) {
    const RunResult result = Run(packets[i]);
    EXPECT_FALSE(result.refused) << "packet " << i;
    EXPECT_EQ(result.verdict, kContinue) << "packet " << i;
    EXPECT_TRUE(result.unchanged) << "packet " << i;
  }
}

void TapProgram::PassAnswers(const std::vector<std::vector<uint8_t>>& packets) {
  for (size_t i = 0; i < packets.size(); ++i) {
    const RunResult result = backend_->RunReply(packets[i], {});
    EXPECT_FALSE(result.refused) << "packet " << i;
    EXPECT_EQ(result.verdict, kContinue) << "packet " << i;
    EXPECT_TRUE(result.unchanged) << "packet " << i;
  }
}

rpctee_replies TapProgram::Replies(std::string_view endpoint) const {
  const rpctee_endpoint_key key = KeyOf(endpoint);
  rpctee_replies replies{};
  EXPECT_TRUE(backend_->Lookup("rpctee_replies", &key, &replies));
  return replies;
}

uint64_t TapProgram::Latencies(std::string_view endpoint, uint32_t bucket) const {
  const rpctee_endpoint_key address = KeyOf(endpoint);
  rpctee_latency_key key{};
  std::memcpy(key.address, address.address, sizeof(key.address));
  key.port_be = address.port_be;
  key.bucket = static_cast<uint16_t>(bucket);
  uint64_t count = 0;
  return backend_->Lookup("rpctee_latency", &key, &count) ? count : 0;
}

uint64_t TapProgram::Latencies(std::string_view endpoint) const {
  uint64_t sum = 0;
  for (uint32_t bucket = 0; bucket < RPCTEE_LATENCY_BUCKETS; ++bucket) {
    sum += Latencies(endpoint, bucket);
  }
  return sum;
}

std::map<std::string, uint64_t> TapProgram::Counted() {
  const rpctee_counters counters = backend_->Counters();
  std::map<std::string, uint64_t> now;
#define RPCTEE_TAKE(name, help) now[#name] = counters.name;
  RPCTEE_TAP_COUNTERS(RPCTEE_TAKE)
#undef RPCTEE_TAKE
  std::map<std::string, uint64_t> counted;
  for (const auto& [name, value] : now) {
    if (value != last_counters_[name]) {
      counted[name] = value - last_counters_[name];
    }
  }
  last_counters_ = now;
  return counted;
}

void TapProgram::Say(rpctee_word word, uint32_t holes, uint32_t content) {
  const rpctee_handback said = {.flow_id = last_record_.flow_id,
                                .holes = holes,
                                .word = static_cast<uint8_t>(word),
                                .content = static_cast<uint8_t>(content),
                                .zero = 0};
  Say(last_record_.flow, said);
}

void TapProgram::Say(const rpctee_flow_key& flow, const rpctee_handback& said) {
  ASSERT_TRUE(backend_->Update("rpctee_handback", &flow, &said));
}

void TapProgram::HandBack(uint32_t holes, uint32_t content) { Say(RPCTEE_WORD_TAKE_BACK, holes, content); }

void TapProgram::GiveUp() { Say(RPCTEE_WORD_GIVE_UP, last_holes_); }

void TapProgram::GoOn() { Say(RPCTEE_WORD_GO_ON, last_holes_); }

void TapProgram::Ignore(uint32_t content) { Say(RPCTEE_WORD_IGNORE, last_holes_, content); }

void TapProgram::TakeRecords(const std::function<void(Bytes)>& take) {
  for (uint32_t ring = 0; ring < rings(); ++ring) {
    backend_->Drain(ring, take);
  }
}

void TapProgram::OnRecord(Bytes bytes) {
  rpctee_record record{};
  ASSERT_GE(bytes.size(), sizeof(record));
  std::memcpy(&record, bytes.data(), sizeof(record));
  copied_.raw.emplace_back(bytes.begin(), bytes.end());
  TakeRecord(record, bytes.subspan(sizeof(record)));
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
    last_holes_ = record.piece.holes;
    copied_.stream.push_back(
        {record.kind, record.piece.seq, record.piece.holes, record.piece.start, {bytes.begin(), bytes.end()}});
    return;
  }
  std::vector<uint8_t>& frame = open_[record.flow_id];
  if (record.part.offset == 0) {
    frame.clear();
  }
  EXPECT_EQ(record.part.offset, frame.size()) << "a part does not follow the one before";
  frame.insert(frame.end(), bytes.begin(), bytes.end());
  EXPECT_LE(frame.size(), record.part.frame_bytes);
  if (frame.size() == record.part.frame_bytes) {
    copied_.frames.push_back(frame);
    copied_.draws.push_back(record.part.draw);
    open_.erase(record.flow_id);
  }
}

TapProgram::Copied TapProgram::Records() {
  TakeRecords([this](Bytes bytes) { OnRecord(bytes); });
  return std::exchange(copied_, {});
}

void TapProgram::Forget() {
  backend_->Forget();
  last_counters_.clear();
  open_.clear();
  copied_ = {};
  last_record_ = {};
  last_holes_ = 0;
}

void TapProgramTest::SetUp() {
  if (const std::string reason = WhyNoTapBackend(); !reason.empty()) {
    GTEST_SKIP() << reason;
  }
  tap_ = std::make_unique<TapProgram>();
  ASSERT_EQ(tap_->error(), "");
  tap_->Endpoint("10.0.0.2:20880");
  tap_->Endpoint("[fd00::2]:20880");
  Connect("10.0.0.1:40000", "10.0.0.2:20880");
  Connect("[fd00::1]:40000", "[fd00::2]:20880");
}

void TapProgramTest::Connect(std::string_view source, std::string_view destination, uint32_t seq) {
  tap_->Pass({TcpPacket(source, destination).Flags(kSyn).Seq(seq - 1).Build()});
  tap_->Counted();
}

}  // namespace rpctee::test
