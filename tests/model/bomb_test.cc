// Segments that are sent to cost as much as they can: what they may cost is bounded, in memory and in work.
//
// Counts what the heap gives out, the program's steps, and nothing that depends on time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "model/stream_agent.h"
#include "native/native_backend.h"
#include "support/counted_heap.h"
#include "support/dubbo_frames.h"
#include "support/packet_template.h"

namespace rpctee::test {
namespace {

constexpr size_t kSegments = 1'000'000;
constexpr size_t kConnections = 64;
constexpr size_t kCap = stream::ReassemblerLimits{}.max_bytes;
// A packet of one byte: parse, look-ups, one record. A fault that walks anything would take thousands.
constexpr uint64_t kStepsOfAPacket = 40;
// A piece is a node of a tree, its bytes, and what comes back out of the ring.
constexpr size_t kAllocationsOfASegment = 4;

class BombTest : public testing::Test {
 protected:
  BombTest() {
    auto backend = std::make_unique<NativeBackend>(TapProgramOptions{});
    native_ = backend.get();
    tap_ = std::make_unique<TapProgram>(std::move(backend));
    tap_->Endpoint("10.0.0.2:20880");
    agent_ = std::make_unique<StreamAgent>(*tap_);
  }

  // From the connection of this number.
  void Send(size_t connection, uint32_t seq, uint8_t flags, Bytes payload) {
    SocketAddress source = SocketAddress::Parse("10.0.0.1:1024").value();
    source.port = static_cast<uint16_t>(source.port + connection);
    packets_.SetSource(source);
    const ByteVector packet = packets_.Packet(seq, flags, payload);
    const uint64_t before = native_->steps();
    ASSERT_EQ(tap_->Run(packet).verdict, kContinue);
    most_steps_ = std::max(most_steps_, native_->steps() - before);
  }
  void Drain() {
    const size_t before = HeapAllocations();
    ASSERT_TRUE(agent_->Drain());
    allocations_of_agent_ += HeapAllocations() - before;
    ASSERT_LE(agent_->used_bytes(), kCap);
    most_bytes_ = std::max(most_bytes_, LiveHeapBytes());
  }

  NativeBackend* native_ = nullptr;  // owned by tap_
  std::unique_ptr<TapProgram> tap_;
  std::unique_ptr<StreamAgent> agent_;
  PacketTemplate packets_{TcpPacket("10.0.0.1:1024", "10.0.0.2:20880")};
  uint64_t most_steps_ = 0;
  size_t allocations_of_agent_ = 0;
  size_t most_bytes_ = 0;
};

// Each segment is one byte behind a hole of one byte, as far ahead as the tap lets it.
TEST_F(BombTest, AMillionSegmentsBehindHolesCostNoMoreThanTheCap) {
  const ByteVector request = DubboRequest(1, 300);
  for (size_t connection = 0; connection < kConnections; ++connection) {
    ASSERT_NO_FATAL_FAILURE(Send(connection, 0, kSyn, {}));
    ASSERT_NO_FATAL_FAILURE(Send(connection, 1, kAck, Bytes(request).first(100)));
  }
  const size_t before = LiveHeapBytes();
  for (size_t i = 0; i < kSegments; ++i) {
    const auto seq = static_cast<uint32_t>(1'000 + 2 * (i / kConnections));
    ASSERT_NO_FATAL_FAILURE(Send(i % kConnections, seq, kAck, Bytes(request).first(1)));
    if (i % kConnections == kConnections - 1) {
      ASSERT_NO_FATAL_FAILURE(Drain());
    }
  }
  EXPECT_LE(most_bytes_ - before, kCap + kCap / 100) << "the agent's books leave out what an allocation really takes";
  EXPECT_GT(most_bytes_ - before, kCap / 4) << "the test no longer reaches what it is for";
  EXPECT_LE(most_steps_, kStepsOfAPacket);
  EXPECT_LE(allocations_of_agent_, kAllocationsOfASegment * kSegments);
  std::printf("at most %zu bytes and %llu steps a packet, %.2f allocations a segment\n", most_bytes_ - before,
              static_cast<unsigned long long>(most_steps_),
              static_cast<double>(allocations_of_agent_) / static_cast<double>(kSegments));
  // All holes of a silent flow together, then a silence, then the flow: not hole by hole.
  for (int i = 0; i < 3; ++i) {
    agent_->Wait(std::chrono::seconds(100));
  }
  EXPECT_EQ(agent_->buffered_bytes(), 0U);
  // And it was all for nothing: what comes next is seen.
  (void)agent_->TakeFrames();
  ASSERT_NO_FATAL_FAILURE(Send(3, 99'999, kSyn, {}));
  ASSERT_NO_FATAL_FAILURE(Send(3, 100'000, kAck, request));
  ASSERT_NO_FATAL_FAILURE(Drain());
  EXPECT_EQ(agent_->TakeFrames(), std::vector<ByteVector>{request});
}

}  // namespace
}  // namespace rpctee::test
