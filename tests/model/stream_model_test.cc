// The whole stream path, the tap program and the agent's reassembly, against a model of each byte: random cuts,
// reordering, repetitions with other bytes, losses, pauses, and connections that begin, end and follow each other.
//
// RPCTEE_SCHEDULES sets how many schedules, of all networks together; RPCTEE_SEED sets which; RPCTEE_SCHEDULE plays a
// single one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <random>

#include "model/schedule.h"
#include "model/stream_agent.h"
#include "support/dubbo_frames.h"
#include "support/packet_template.h"

namespace rpctee::test {
namespace {

// So long is nobody waited for at one hole, and so long is nothing held of a silent flow.
constexpr Duration kLongPause = std::chrono::seconds(4);
constexpr Duration kStep = std::chrono::milliseconds(400);
constexpr Duration kForgotten = std::chrono::seconds(100);

constexpr Network kNetworks[] = {
    {.name = "InOrder"},
    {.name = "Repetitions", .repeat_percent = 20},
    {.name = "OtherRepetitions", .repeat_percent = 20, .alter_percent = 50},
    {.name = "Reordering", .reorder_percent = 10},
    {.name = "ReorderingAndOtherRepetitions", .reorder_percent = 30, .repeat_percent = 20, .alter_percent = 50},
    {.name = "LateStart", .reorder_percent = 5, .late_start_percent = 100},
    {.name = "KeepAliveAndNoise", .reorder_percent = 5, .keep_alive_percent = 20, .noise_percent = 20},
    {.name = "Loss", .loss_percent = 5},
    {.name = "LossAndPauses", .loss_percent = 5, .pause_percent = 10},
    {.name = "LostStart", .loss_percent = 20, .pause_percent = 5, .late_start_percent = 100},
    {.name = "Middle", .middle_percent = 100},
    {.name = "MiddleAndPauses", .pause_percent = 10, .middle_percent = 100},
    {.name = "DisturbedMiddle", .reorder_percent = 5, .repeat_percent = 5, .loss_percent = 2, .middle_percent = 100},
    {.name = "PortReuse", .reorder_percent = 5, .repeat_percent = 5, .connections = 4},
    {.name = "OneByte", .reorder_percent = 2, .repeat_percent = 2, .one_byte = true, .rarity = 50},
    {.name = "AllOfIt",
     .reorder_percent = 10,
     .repeat_percent = 10,
     .loss_percent = 3,
     .alter_percent = 50,
     .keep_alive_percent = 2,
     .noise_percent = 2,
     .pause_percent = 2,
     .late_start_percent = 20,
     .middle_percent = 10,
     .connections = 3},
};

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

uint32_t IndexOf(const Network& network) {
  const auto is_it = [&](const Network& other) { return other.name == network.name; };
  return static_cast<uint32_t>(std::find_if(std::begin(kNetworks), std::end(kNetworks), is_it) - kNetworks);
}

// Never the same, so that no schedule has to do with an earlier one.
SocketAddress SourceOf(uint64_t number) {
  SocketAddress source = SocketAddress::Parse("10.1.0.0:1024").value();
  const uint64_t host = number / 60'000;
  source.ip.bytes[14] = static_cast<uint8_t>(host >> 8);
  source.ip.bytes[15] = static_cast<uint8_t>(host);
  source.port = static_cast<uint16_t>(source.port + number % 60'000);
  return source;
}

class StreamModelTest : public TapProgramTest {
 protected:
  void SetUp() override {
    TapProgramTest::SetUp();
    if (tap_ != nullptr) {
      tap_->Counted();
    }
  }
};

// Plays one schedule: what the tap sees, the model sees.
class Play {
 public:
  Play(TapProgram& tap, Schedule& schedule, const PacketTemplate& packets, std::mt19937& random)
      : tap_(tap), schedule_(schedule), packets_(packets), random_(random), agent_(tap) {}

  // Empty, or what went wrong.
  std::string Run() {
    constexpr uint32_t kDrainOneIn[] = {1, 2, 10, 200};  // an agent that is more or less late
    const uint32_t drain_one_in = kDrainOneIn[random_() % std::size(kDrainOneIn)];
    for (const Schedule::Event& event : schedule_.events()) {
      Take(event);
      if (random_() % drain_one_in == 0) {
        Drain();
      }
    }
    Drain();
    for (Connection& connection : schedule_.connections()) {
      Pause(connection);
      Note(connection.Finish());
    }
    Wait(kForgotten);
    Check(agent_.first_parts() == agent_.came_out() + agent_.lost() + agent_.open(), "a request is not accounted for");
    Check(agent_.buffered_bytes() == 0, "bytes are still held");
    return error_;
  }
  const StreamAgent& agent() const { return agent_; }

 private:
  void Take(const Schedule::Event& event) {
    Connection& connection = schedule_.connections()[event.connection];
    if (event.kind == Schedule::Event::kPause) {
      Drain();
      Pause(connection);
      return;
    }
    Show(event, connection);
    const RunResult result = tap_.Run(packets_.Packet(schedule_.SeqOf(event), event.flags, event.bytes));
    Check(result.verdict == kContinue && result.unchanged, "the packet did not go on as it was");
  }
  void Show(const Schedule::Event& event, Connection& connection) {
    const bool is_noise = event.shift < -1 || event.shift > 0;
    if ((event.flags & kSyn) != 0) {
      connection.Open();
      if (event.connection > 0) {
        schedule_.connections()[event.connection - 1].End();
      }
    }
    connection.See(event.from, event.bytes);
    if ((event.flags & kRst) != 0 && !is_noise) {
      connection.End();
    }
  }
  void Drain() {
    Check(agent_.Drain(), "a record can't be read");
    TakeFrames();
  }
  void Pause(Connection& connection) {
    Wait(kLongPause * (1 + static_cast<int>(connection.holes())));
    connection.Pause();
  }
  // In steps, as a worker looks at what waits again and again: each hole is given up by itself, and then comes silence.
  void Wait(Duration time) {
    for (Duration waited{}; waited < time; waited += kStep) {
      agent_.Wait(kStep);
      TakeFrames();
    }
  }
  void TakeFrames() {
    for (const ByteVector& frame : agent_.TakeFrames()) {
      const size_t index = Schedule::ConnectionOf(IdOf(frame));
      if (index < schedule_.connections().size()) {
        Note(schedule_.connections()[index].Take(frame));
      } else {
        Check(false, "a request came out that was never sent");
      }
    }
  }
  void Note(const std::optional<std::string>& error) { Check(!error, error ? error->c_str() : ""); }
  void Check(bool holds, const char* what) {
    if (!holds && error_.empty()) {
      error_ = what;
    }
  }

  TapProgram& tap_;
  Schedule& schedule_;
  const PacketTemplate& packets_;
  std::mt19937& random_;
  StreamAgent agent_;
  std::string error_;  // the first
};

class NetworkTest : public StreamModelTest, public testing::WithParamInterface<Network> {
 protected:
  void PlayNumber(uint64_t number) {
    const Network& network = GetParam();
    const auto seed = static_cast<uint32_t>(FromEnvironment("RPCTEE_SEED", 1));
    std::seed_seq mixed{seed, IndexOf(network), static_cast<uint32_t>(number)};
    std::mt19937 random(mixed);
    Schedule schedule(random, network);
    packets_.SetSource(SourceOf(number));
    Play play(*tap_, schedule, packets_, random);
    tap_->Heartbeat(kNeverStale);  // and as many searches for a beginning as are needed
    const std::string error = play.Run();
    ASSERT_EQ(error, "") << "seed " << seed << ", schedule " << number << "\n" << schedule.Describe();
    framed_by_agent_ += play.agent().framed_here();
    for (const Connection& connection : schedule.connections()) {
      promised_ += connection.promised();
    }
    first_parts_ += play.agent().first_parts();
  }

  PacketTemplate packets_{TcpPacket("10.0.0.1:1024", "10.0.0.2:20880")};
  uint64_t framed_by_agent_ = 0;
  uint64_t first_parts_ = 0;
  uint64_t promised_ = 0;
};

TEST_P(NetworkTest, EveryRequestComesOutOnceInTheBytesThatWereSeenFirst) {
  const uint64_t all = FromEnvironment("RPCTEE_SCHEDULES", RPCTEE_SCHEDULES_DEFAULT);
  const uint64_t schedules = all / std::size(kNetworks) / GetParam().rarity;
  const uint64_t only = FromEnvironment("RPCTEE_SCHEDULE", schedules);
  for (uint64_t i = only < schedules ? only : 0; i < (only < schedules ? only + 1 : schedules); ++i) {
    ASSERT_NO_FATAL_FAILURE(PlayNumber(i));
  }
  auto counted = tap_->Counted();
  EXPECT_EQ(counted["seen"], counted["not_sampled"] + counted["too_big"] + counted["ring_full"] + counted["sampled"]);
  EXPECT_EQ(first_parts_, counted["sampled"] + framed_by_agent_);
  EXPECT_EQ(counted["ring_full"] + counted["parts_lost"], 0U) << "the model leaves out what is lost in the ring";
  EXPECT_TRUE(promised_ > 0 || only < schedules) << "the test says nothing any more";
  if (GetParam().reorder_percent != 0 && only >= schedules) {
    EXPECT_GT(framed_by_agent_, 0U) << "the test no longer reaches what it is for";
    EXPECT_TRUE(GetParam().one_byte || counted["handbacks"] > 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, NetworkTest, testing::ValuesIn(kNetworks),
                         [](const auto& row) { return std::string(row.param.name); });

// A kernel without bpf_loop walks a few frames of a packet and sends the rest up.
TEST_F(StreamModelTest, MoreFramesInAPacketThanOneRunMayWalkAllComeOut) {
  const PacketTemplate packets(TcpPacket("10.0.0.1:40000", "10.0.0.2:20880"));
  StreamAgent agent(*tap_);
  std::vector<ByteVector> requests;
  uint32_t seq = 1;
  for (uint64_t packet = 0; packet < 20; ++packet) {
    ByteVector payload;
    for (uint64_t i = 0; i < 12; ++i) {
      requests.push_back(DubboRequest(packet * 12 + i, 240 + i));
      payload.insert(payload.end(), requests.back().begin(), requests.back().end());
    }
    tap_->Pass({packets.Packet(seq, kAck, payload)});
    EXPECT_TRUE(agent.Drain());
    seq += static_cast<uint32_t>(payload.size());
  }
  EXPECT_EQ(agent.TakeFrames(), requests);
}

// A segment that begins with a request planted in a body is taken for a request's beginning; what follows shows that it
// was none.
TEST_F(StreamModelTest, WhatComesBehindAFalsePlaceThatTheTapLeftComesOut) {
  const PacketTemplate packets(TcpPacket("10.0.0.1:40000", "10.0.0.2:20880"));
  StreamAgent agent(*tap_);
  const ByteVector a = DubboRequest(1, 300);
  const ByteVector b = DubboRequest(2, 300);
  const ByteVector c = DubboRequest(3, 300);
  ByteVector carrier = DubboRequest(4, 1'500);
  const ByteVector planted = DubboRequest(5, 300);
  std::copy(planted.begin(), planted.end(), carrier.begin() + 500);
  tap_->Pass({packets.Packet(1, kAck, a), packets.Packet(601, kAck, c), packets.Packet(301, kAck, b),
              packets.Packet(901, kAck, Slice(carrier, 0, 500))});
  EXPECT_TRUE(agent.Drain());
  tap_->Pass({packets.Packet(1'401, kAck | kPsh, Slice(carrier, 500)), packets.Packet(2'401, kAck | kPsh, a)});
  EXPECT_TRUE(agent.Drain());
  EXPECT_EQ(tap_->Counted()["lost_sync"], 1U) << "the test no longer reaches what it is for";
  EXPECT_EQ(agent.TakeFrames(), (std::vector<ByteVector>{a, b, c, a}));
  EXPECT_EQ(agent.lost(), 2U) << "the carrier, and what was planted";
}

}  // namespace
}  // namespace rpctee::test
