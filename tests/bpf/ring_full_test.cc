// Several full rings: what becomes of each single request is foretold by a model of the rings' room, and it comes so.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "bpf/tap_program.h"
#include "stream/assembler.h"
#include "support/dubbo_frames.h"
#include "support/packet_builder.h"
#include "tap/record.h"

namespace rpctee::test {
namespace {

constexpr uint32_t kRings = 4;
constexpr uint32_t kRingBytes = 8192;
constexpr uint32_t kMaxRequestBytes = 20'000;
constexpr uint32_t kFlows = 32;
constexpr uint32_t kRequestsOfAFlow = 30;
constexpr uint32_t kSegmentBytes = 1448;

enum class Fate { kOpen, kNotSampled, kTooBig, kFullAtOnce, kFullLater, kWhole };

struct Request {
  uint64_t id = 0;
  uint32_t begin = 0;  // in its flow's bytes
  uint32_t end = 0;
  Fate fate = Fate::kOpen;  // as the model has it
};

// One connection: its bytes, how far they were sent, and what the model knows of it.
struct Connection {
  std::string source;
  std::string destination;
  bool is_sampled = true;
  ByteVector bytes;
  std::vector<Request> requests;
  uint32_t sent = 0;
  uint32_t ring = 0;
  bool cut_is_untold = false;  // a part was lost, and no record has said so yet
};

// How much of each ring is taken, by the kernel's rule: a header of 8 bytes, all in steps of 8, one byte always free.
class Room {
 public:
  bool Take(uint32_t ring, size_t payload_bytes) {
    const size_t needed = (8 + sizeof(rpctee_record) + payload_bytes + 7) / 8 * 8;
    if (taken_[ring] + needed > kRingBytes - 1) {
      return false;
    }
    taken_[ring] += needed;
    return true;
  }
  void Free(uint32_t ring) { taken_[ring] = 0; }

 private:
  std::array<size_t, kRings> taken_{};
};

// What the program does with the next `bytes` of a connection.
void Foretell(Connection& connection, uint32_t bytes, Room& room) {
  const uint32_t begin = connection.sent;
  const uint32_t end = begin + bytes;
  if (connection.cut_is_untold && room.Take(connection.ring, 0)) {
    connection.cut_is_untold = false;
  }
  for (Request& request : connection.requests) {
    const uint32_t from = std::max(begin, request.begin);
    const uint32_t to = std::min(end, request.end);
    if (from >= to) {
      continue;
    }
    const bool is_first = from == request.begin;
    if (is_first && request.end - request.begin > kMaxRequestBytes) {
      request.fate = Fate::kTooBig;
    } else if (is_first && !connection.is_sampled) {
      request.fate = Fate::kNotSampled;
    }
    if (request.fate != Fate::kOpen) {
      continue;
    }
    if (!room.Take(connection.ring, to - from)) {
      request.fate = is_first ? Fate::kFullAtOnce : Fate::kFullLater;
      connection.cut_is_untold = connection.cut_is_untold || !is_first;
      continue;
    }
    // A first part brings word of the cut before it.
    connection.cut_is_untold = connection.cut_is_untold && !is_first;
    if (to == request.end) {
      request.fate = Fate::kWhole;
    }
  }
  connection.sent = end;
}

// The agent's assembler, and what it says.
class Books final : public stream::AssemblerObserver {
 public:
  void Take(Bytes bytes) {
    CapturedRecord record;
    ASSERT_TRUE(tap::ParseRecord(bytes, record));
    ASSERT_TRUE(std::holds_alternative<CapturedPart>(record));
    assembler_.Take(std::get<CapturedPart>(record), {});
  }
  size_t open() const { return assembler_.open(); }

  uint64_t first_parts = 0;
  std::map<stream::LostReason, uint64_t> lost;
  std::vector<ByteVector> whole;

 private:
  void OnFirstPart() override { ++first_parts; }
  void OnFrame(const stream::Frame& frame) override { whole.emplace_back(frame.bytes.begin(), frame.bytes.end()); }
  void OnLost(stream::LostReason reason) override { ++lost[reason]; }

  stream::Assembler assembler_{*this, {}};
};

class RingFullTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = WhyNoTapBackend(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    tap_ = std::make_unique<TapProgram>(
        TapProgramOptions{.max_request_bytes = kMaxRequestBytes, .ring_bytes = kRingBytes, .rings = kRings});
    ASSERT_EQ(tap_->error(), "");
    tap_->Endpoint("10.0.0.2:20880", RPCTEE_THRESHOLD_ALL);
    tap_->Endpoint("10.0.0.2:20881", 0);
    for (uint32_t i = 0; i < kFlows; ++i) {
      Connect(i);
    }
  }

  // Its first request goes into empty rings, which shows the connection's own.
  void Connect(uint32_t number) {
    Connection& connection = connections_.emplace_back();
    connection.source = "10.1.0." + std::to_string(number + 1) + ":40000";
    connection.is_sampled = number % 8 != 0;
    connection.destination = connection.is_sampled ? "10.0.0.2:20880" : "10.0.0.2:20881";
    AddRequest(connection, 300);
    tap_->Pass({TcpPacket(connection.source, connection.destination).Flags(kSyn).Seq(0).Build()});
    Send(connection, 300);
    for (uint32_t ring = 0; ring < kRings; ++ring) {
      room_.Free(ring);
      tap_->TakeRecords(ring, [&](Bytes record) {
        connection.ring = ring;
        books_.Take(record);
      });
    }
  }

  void AddRequest(Connection& connection, size_t bytes) {
    const auto begin = static_cast<uint32_t>(connection.bytes.size());
    const ByteVector frame = DubboRequest(++last_id_, bytes);
    connection.bytes.insert(connection.bytes.end(), frame.begin(), frame.end());
    connection.requests.push_back({last_id_, begin, static_cast<uint32_t>(connection.bytes.size())});
  }

  size_t RandomSize() {
    switch (random_() % 10) {
      case 0:
        return kMaxRequestBytes + 1;
      case 1:
        return 3'000 + random_() % 6'000;
      case 2:
      case 3:
        return 1'000 + random_() % 2'000;
      default:
        return 250 + random_() % 300;
    }
  }

  // A segment's end that leaves every header whole: one that a packet boundary cuts comes as a part of its own.
  uint32_t NextBytes(const Connection& connection) {
    const auto left = static_cast<uint32_t>(connection.bytes.size()) - connection.sent;
    uint32_t end = connection.sent + std::min(left, 16 + static_cast<uint32_t>(random_() % (kSegmentBytes - 16)));
    for (const Request& request : connection.requests) {
      if (request.begin < end && end < request.begin + RPCTEE_DUBBO_HEADER_BYTES) {
        end = request.begin > connection.sent ? request.begin : request.begin + RPCTEE_DUBBO_HEADER_BYTES;
      }
    }
    return end - connection.sent;
  }

  void Send(Connection& connection, uint32_t bytes) {
    const uint32_t from = connection.sent;
    Foretell(connection, bytes, room_);
    tap_->Pass({TcpPacket(connection.source, connection.destination)
                    .Seq(1 + from)
                    .Payload(Slice(connection.bytes, from, from + bytes))
                    .Build()});
  }

  void Drain(uint32_t ring) {
    tap_->TakeRecords(ring, [this](Bytes record) { books_.Take(record); });
    room_.Free(ring);
  }

  uint64_t Foretold(Fate fate) const {
    uint64_t requests = 0;
    for (const Connection& connection : connections_) {
      requests += static_cast<uint64_t>(std::count_if(connection.requests.begin(), connection.requests.end(),
                                                      [fate](const Request& request) { return request.fate == fate; }));
    }
    return requests;
  }

  std::vector<ByteVector> ForetoldWhole() const {
    std::vector<ByteVector> whole;
    for (const Connection& connection : connections_) {
      for (const Request& request : connection.requests) {
        if (request.fate == Fate::kWhole) {
          whole.push_back(Slice(connection.bytes, request.begin, request.end));
        }
      }
    }
    std::sort(whole.begin(), whole.end());
    return whole;
  }

  // How often each fate came to requests of this ring's flows.
  std::map<Fate, uint64_t> FatesOf(uint32_t ring) const {
    std::map<Fate, uint64_t> fates;
    for (const Connection& connection : connections_) {
      for (const Request& request : connection.requests) {
        fates[request.fate] += connection.is_sampled && connection.ring == ring ? 1 : 0;
      }
    }
    return fates;
  }

  std::unique_ptr<TapProgram> tap_;
  std::vector<Connection> connections_;
  Room room_;
  Books books_;
  std::mt19937 random_{20880};  // fixed: a failure can be repeated
  uint64_t last_id_ = 0;
};

TEST_F(RingFullTest, EachRequestOfSeveralFullRingsHasExactlyOneOutcomeAndItIsTheForetoldOne) {
  for (Connection& connection : connections_) {
    for (uint32_t i = 0; i < kRequestsOfAFlow; ++i) {
      AddRequest(connection, RandomSize());
    }
  }
  // Now and then somebody reads one of the rings, so that requests are lost at any place.
  std::vector<Connection*> sending;
  for (Connection& connection : connections_) {
    sending.push_back(&connection);
  }
  while (!sending.empty()) {
    const size_t chosen = random_() % sending.size();
    Connection& connection = *sending[chosen];
    Send(connection, NextBytes(connection));
    if (connection.sent == connection.bytes.size()) {
      sending.erase(sending.begin() + static_cast<std::ptrdiff_t>(chosen));
    }
    if (random_() % 24 == 0) {
      Drain(random_() % kRings);
    }
  }
  for (uint32_t ring = 0; ring < kRings; ++ring) {
    Drain(ring);
  }
  // What was lost last is told with what comes next.
  for (Connection& connection : connections_) {
    AddRequest(connection, 300);
    Send(connection, 300);
    Drain(connection.ring);
  }

  for (uint32_t ring = 0; ring < kRings; ++ring) {
    auto fates = FatesOf(ring);
    EXPECT_GT(fates[Fate::kFullAtOnce], 10U) << "the test no longer reaches what it is for, ring " << ring;
    EXPECT_GT(fates[Fate::kFullLater], 10U) << "ring " << ring;
    EXPECT_GT(fates[Fate::kWhole], 10U) << "ring " << ring;
  }
  auto counted = tap_->Counted();
  EXPECT_EQ(counted["seen"], last_id_);
  EXPECT_EQ(counted["not_sampled"], Foretold(Fate::kNotSampled));
  EXPECT_EQ(counted["too_big"], Foretold(Fate::kTooBig));
  EXPECT_EQ(counted["ring_full"], Foretold(Fate::kFullAtOnce));
  EXPECT_EQ(counted["sampled"], Foretold(Fate::kFullLater) + Foretold(Fate::kWhole));
  EXPECT_EQ(counted["parts_lost"], Foretold(Fate::kFullLater));
  EXPECT_EQ(books_.first_parts, counted["sampled"]);
  EXPECT_THAT(books_.lost, testing::ElementsAre(testing::Pair(stream::LostReason::kRingFull, counted["parts_lost"])));
  EXPECT_EQ(books_.open(), 0U);
  std::sort(books_.whole.begin(), books_.whole.end());
  EXPECT_TRUE(books_.whole == ForetoldWhole()) << "the requests that came whole are not those";
  EXPECT_EQ(last_id_, counted["not_sampled"] + counted["too_big"] + counted["ring_full"] + counted["parts_lost"] +
                          books_.whole.size());
}

}  // namespace
}  // namespace rpctee::test
