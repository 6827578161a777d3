// The whole stream path, the real program in the kernel and the agent's reassembly, against what was really sent:
// random cuts, reordering, repetitions, overlaps and losses.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <set>

#include "base/clock.h"
#include "bpf/tap_program.h"
#include "stream/assembler.h"
#include "stream/reassembler.h"
#include "support/dubbo_frames.h"
#include "support/packet_builder.h"
#include "tap/record.h"

namespace rpctee::test {
namespace {

// Stands where the pipeline stands: takes records, tells the tap what to do with the flow, keeps what came out.
class Agent final : public stream::AssemblerObserver, public stream::ReassemblerObserver {
 public:
  explicit Agent(TapProgram& tap) : tap_(tap), assembler_(*this, {}), reassembler_(assembler_, *this, {}) {}

  void Drain() {
    for (const std::vector<uint8_t>& bytes : tap_.Records().raw) {
      const std::optional<CapturedRecord> record = tap::ParseRecord(bytes);
      ASSERT_TRUE(record.has_value());
      if (const auto* part = std::get_if<CapturedPart>(&*record)) {
        reassembler_.Take(*part, now_);
      } else {
        reassembler_.Take(std::get<CapturedStream>(*record), now_);
      }
    }
  }
  // Time in which nothing is sent, long enough for holes to be given up.
  void Wait() {
    now_ += std::chrono::seconds(2);
    reassembler_.Expire(now_);
  }

  uint64_t ThresholdOf(const SocketAddress&) override { return RPCTEE_THRESHOLD_ALL; }
  void OnStreamRequest(stream::StreamRequest) override { ++seen_in_stream_; }
  void OnMended(const Flow&, uint64_t, uint32_t holes, Content) override { tap_.HandBack(holes); }
  void OnGivenUp(const Flow&, uint64_t) override { tap_.GiveUp(); }
  void OnTaken(const Flow&, uint64_t) override {}
  void OnIgnored(const Flow&, uint64_t, Content) override {}
  void OnFirstPart() override { ++first_parts_; }
  void OnFrame(const stream::Frame& frame) override { frames_.emplace_back(frame.bytes.begin(), frame.bytes.end()); }
  void OnLost(stream::LostReason) override { ++lost_; }

  const std::vector<ByteVector>& frames() const { return frames_; }
  uint64_t first_parts() const { return first_parts_; }
  uint64_t seen_in_stream() const { return seen_in_stream_; }
  uint64_t lost() const { return lost_; }
  size_t open() const { return assembler_.open(); }
  size_t buffered_bytes() const { return reassembler_.buffered_bytes(); }

 private:
  TapProgram& tap_;
  TimePoint now_ = Clock::now();
  stream::Assembler assembler_;
  stream::Reassembler reassembler_;
  std::vector<ByteVector> frames_;
  uint64_t first_parts_ = 0;
  uint64_t seen_in_stream_ = 0;
  uint64_t lost_ = 0;
};

struct Network {
  const char* name;
  uint32_t reorder_percent;
  uint32_t repeat_percent;
  uint32_t loss_percent;  // lost for good: the receiver never gets it either, so the connection goes on without
};

struct Segment {
  size_t from;
  size_t to;
};

class Schedule {
 public:
  Schedule(std::mt19937& random, const Network& network) : random_(random), network_(network) {
    const uint32_t requests = 2 + Below(12);
    for (uint32_t id = 0; id < requests; ++id) {
      requests_.push_back(DubboRequest(id + 1, 230 + Below(Percent(10) ? 6'000 : 400)));
      bytes_ = Join({bytes_, requests_.back()});
    }
    seq_ = Percent(30) ? 0xffffffffU - Below(2'000) : static_cast<uint32_t>(random_());
    Cut();
    Disturb();
  }

  const std::vector<ByteVector>& requests() const { return requests_; }
  const std::vector<Segment>& segments() const { return segments_; }
  ByteVector Syn(uint16_t port) const {
    return TcpPacket("10.0.0.1:" + std::to_string(port), "10.0.0.2:20880").Flags(kSyn).Seq(seq_ - 1).Build();
  }
  ByteVector Packet(const Segment& segment, uint16_t port) const {
    return TcpPacket("10.0.0.1:" + std::to_string(port), "10.0.0.2:20880")
        .Seq(seq_ + static_cast<uint32_t>(segment.from))
        .Payload(Slice(bytes_, segment.from, segment.to))
        .Build();
  }

 private:
  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(random_() % limit); }
  bool Percent(uint32_t percent) { return Below(100) < percent; }

  void Cut() {
    for (size_t at = 0; at < bytes_.size();) {
      const size_t to = std::min(bytes_.size(), at + 1 + (Percent(20) ? Below(20) : Below(900)));
      segments_.push_back({at, to});
      at = to;
    }
  }

  // The first segment stays where it is: a flow is known from the first request on.
  void Disturb() {
    std::vector<Segment> sent = {segments_.front()};
    for (size_t i = 1; i < segments_.size(); ++i) {
      if (Percent(network_.loss_percent)) {
        continue;
      }
      sent.push_back(segments_[i]);
      if (Percent(network_.repeat_percent)) {
        // Again, with some of the bytes before it and some behind.
        const Segment& segment = segments_[Below(static_cast<uint32_t>(i) + 1)];
        sent.push_back({segment.from - std::min<size_t>(segment.from, Below(50)),
                        std::min(bytes_.size(), segment.to + Below(50))});
      }
    }
    for (size_t i = 1; i < sent.size(); ++i) {
      if (Percent(network_.reorder_percent)) {
        std::swap(sent[i], sent[std::min<size_t>(sent.size() - 1, i + 1 + Below(6))]);
      }
    }
    segments_ = std::move(sent);
  }

  std::mt19937& random_;
  const Network& network_;
  std::vector<ByteVector> requests_;
  ByteVector bytes_;
  uint32_t seq_ = 0;
  std::vector<Segment> segments_;
};

// How many schedules; the nightly run sets more.
uint32_t Schedules() {
  const char* const text = std::getenv("RPCTEE_SCHEDULES");
  return text == nullptr ? 2'000 : static_cast<uint32_t>(std::strtoul(text, nullptr, 10));
}

class StreamModelTest : public TapProgramTest {
 protected:
  void Send(const ByteVector& packet, Agent& agent, std::mt19937& random) {
    const RunResult result = tap_->Run(packet);
    ASSERT_EQ(result.verdict, kContinue);
    ASSERT_TRUE(result.unchanged);
    // The agent is sometimes late.
    if (random() % 3 != 0) {
      agent.Drain();
    }
  }
};

class NetworkTest : public StreamModelTest, public testing::WithParamInterface<Network> {};

TEST_P(NetworkTest, EveryRequestComesOutOnceOrIsBookedAndNoneIsInvented) {
  std::mt19937 random(static_cast<uint32_t>(GetParam().reorder_percent * 101 + GetParam().loss_percent));
  uint64_t mended = 0;
  for (uint32_t i = 0; i < Schedules(); ++i) {
    tap_->Heartbeat(MonotonicNs());
    Agent agent(*tap_);
    const Schedule schedule(random, GetParam());
    const auto port = static_cast<uint16_t>(1'024 + i % 60'000);
    ASSERT_NO_FATAL_FAILURE(Send(schedule.Syn(port), agent, random));
    for (const Segment& segment : schedule.segments()) {
      ASSERT_NO_FATAL_FAILURE(Send(schedule.Packet(segment, port), agent, random)) << "schedule " << i;
    }
    agent.Drain();
    if (GetParam().loss_percent == 0) {
      ASSERT_EQ(agent.frames(), schedule.requests()) << "schedule " << i;
      ASSERT_EQ(agent.open(), 0U) << "schedule " << i;
    }
    agent.Wait();
    const std::set<ByteVector> sent(schedule.requests().begin(), schedule.requests().end());
    const std::set<ByteVector> seen(agent.frames().begin(), agent.frames().end());
    ASSERT_EQ(seen.size(), agent.frames().size()) << "a request came out twice, schedule " << i;
    ASSERT_TRUE(std::includes(sent.begin(), sent.end(), seen.begin(), seen.end()))
        << "a request was invented, schedule " << i;
    ASSERT_EQ(agent.first_parts(), agent.frames().size() + agent.lost() + agent.open()) << "schedule " << i;
    ASSERT_EQ(agent.buffered_bytes(), 0U) << "schedule " << i;
    mended += agent.seen_in_stream();
  }
  if (GetParam().reorder_percent != 0) {
    EXPECT_GT(mended, 0U) << "the test no longer reaches what it is for";
  }
}

// A kernel without bpf_loop walks a few frames of a packet and sends the rest up.
TEST_F(StreamModelTest, MoreFramesInAPacketThanOneRunMayWalkAllComeOut) {
  std::mt19937 random(1);
  Agent agent(*tap_);
  std::vector<ByteVector> requests;
  uint32_t seq = 1;
  for (uint64_t packet = 0; packet < 20; ++packet) {
    ByteVector payload;
    for (uint64_t i = 0; i < 12; ++i) {
      requests.push_back(DubboRequest(packet * 12 + i, 240 + i));
      payload = Join({payload, requests.back()});
    }
    ASSERT_NO_FATAL_FAILURE(
        Send(TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Seq(seq).Payload(payload).Build(), agent, random));
    seq += static_cast<uint32_t>(payload.size());
  }
  agent.Drain();
  EXPECT_EQ(agent.frames(), requests);
}

INSTANTIATE_TEST_SUITE_P(Networks, NetworkTest,
                         testing::Values(Network{"InOrder", 0, 0, 0}, Network{"Repetitions", 0, 20, 0},
                                         Network{"Reordering", 10, 0, 0},
                                         Network{"ReorderingAndRepetitions", 30, 20, 0}, Network{"Loss", 0, 0, 5},
                                         Network{"AllOfIt", 10, 10, 5}),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace rpctee::test
