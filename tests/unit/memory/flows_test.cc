// What a hundred thousand connections take that have each sent a little: half a request, bytes behind a hole, the
// middle of something. And that all of it comes back.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "stream/reassembler.h"
#include "support/counted_heap.h"
#include "support/dubbo_frames.h"
#include "support/thrift_frames.h"

namespace rpctee::stream {
namespace {

using Start = CapturedStream::Start;

constexpr size_t kFlows = 100'000;
constexpr size_t kBytesAFlow = 1024;

class Silent final : public AssemblerObserver, public ReassemblerObserver {
 public:
  uint64_t ThresholdOf(const SocketAddress&) override { return uint64_t{1} << 32; }
  void OnStreamRequest(StreamRequest) override {}
  void OnMended(const Flow&, uint64_t, uint32_t, Content) override {}
  void OnGivenUp(const Flow&, uint64_t, uint32_t) override {}
  void OnTaken(const Flow&, uint64_t, uint32_t) override {}
  void OnIgnored(const Flow&, uint64_t, uint32_t, Content) override {}
  void OnFirstPart() override {}
  void OnFrame(const Frame&) override {}
  void OnLost(LostReason) override {}
};

class ManyFlows : public testing::Test {
 protected:
  ManyFlows() : before_(test::LiveHeapBytes()) {
    assembler_ = std::make_unique<Assembler>(observer_, AssemblerLimits{.max_bytes = size_t{1} << 30});
    ReassemblerLimits limits;
    limits.max_bytes = size_t{1} << 30;
    limits.max_flows = kFlows;
    reassembler_ = std::make_unique<Reassembler>(*assembler_, observer_, limits);
  }
  void TearDown() override {
    reassembler_->Finish(now_);
    assembler_->Stop();
    EXPECT_EQ(reassembler_->flows(), 0U);
    EXPECT_EQ(assembler_->open(), 0U);
    EXPECT_EQ(Told(), 0U);
    // The hash tables keep their arrays for the next ones.
    EXPECT_LE(Taken(), 64 * kFlows);
    reassembler_.reset();
    assembler_.reset();
    EXPECT_EQ(Taken(), 0U);
  }

  size_t Taken() const { return test::LiveHeapBytes() - before_; }
  size_t Told() const { return reassembler_->used_bytes() + assembler_->buffered_bytes(); }

  void Part(uint64_t flow, size_t frame_bytes, Bytes bytes) {
    CapturedPart part;
    part.flow_id = flow;
    part.frame_bytes = static_cast<uint32_t>(frame_bytes);
    part.bytes = bytes;
    reassembler_->Take(part, now_);
  }
  void Begin(uint64_t flow, Start start) {
    CapturedStream record = Stream(flow, CapturedStream::Kind::kBegin, 1);
    record.start = start;
    record.protocol = start == Start::kFrame ? Content::kDubbo : Content::kUnknown;
    reassembler_->Take(record, now_);
  }
  void Data(uint64_t flow, uint32_t seq, Bytes bytes) {
    CapturedStream record = Stream(flow, CapturedStream::Kind::kData, seq);
    record.bytes = bytes;
    reassembler_->Take(record, now_);
  }
  void ExpectLittle(const char* what, size_t bytes_a_flow = kBytesAFlow) const {
    EXPECT_LE(Taken(), kFlows * bytes_a_flow) << what;
    EXPECT_NEAR(static_cast<double>(Told()), static_cast<double>(Taken()), static_cast<double>(Taken()) / 20)
        << what << ": the limits on memory count what is taken, to a twentieth";
    std::printf("%s: %zu bytes a flow, of which the books tell %zu\n", what, Taken() / kFlows, Told() / kFlows);
  }
  // As the agent has it, whatever the flows do.
  void UseDefaultLimits() {
    reassembler_.reset();
    assembler_ = std::make_unique<Assembler>(observer_, AssemblerLimits{});
    reassembler_ = std::make_unique<Reassembler>(*assembler_, observer_, ReassemblerLimits{});
  }
  void HalfAMessageEach(Start start) {
    const std::vector<uint8_t> message = test::ThriftBinary(1, "say", std::vector<uint8_t>(100, 'x'));
    for (uint64_t flow = 0; flow < kFlows; ++flow) {
      Begin(flow, start);
      Data(flow, 1, Bytes(message).first(60));
    }
  }

 private:
  static CapturedStream Stream(uint64_t flow, CapturedStream::Kind kind, uint32_t seq) {
    CapturedStream record;
    record.kind = kind;
    record.flow_id = flow;
    record.seq = seq;
    return record;
  }

 protected:
  const std::vector<uint8_t> request_ = test::DubboRequest(1, 300);
  const TimePoint now_ = Clock::now();
  Silent observer_;
  std::unique_ptr<Assembler> assembler_;
  std::unique_ptr<Reassembler> reassembler_;

 private:
  size_t before_;
};

TEST_F(ManyFlows, HalfARequestEachOfWhichTheTapSentAPart) {
  for (uint64_t flow = 0; flow < kFlows; ++flow) {
    Part(flow, 16U << 20, Bytes(request_).first(100));
  }
  ASSERT_EQ(assembler_->open(), kFlows);
  ExpectLittle("half a request");
}

TEST_F(ManyFlows, AFewFirstBytesThatDoNotSayWhatTheyAre) {
  for (uint64_t flow = 0; flow < kFlows; ++flow) {
    Begin(flow, Start::kFirstByte);
    Data(flow, 1, Bytes(request_).first(1));
  }
  ASSERT_EQ(reassembler_->flows(), kFlows);
  ExpectLittle("a first byte");
}

TEST_F(ManyFlows, HalfARequestEachThatIsFramedHere) {
  for (uint64_t flow = 0; flow < kFlows; ++flow) {
    Begin(flow, Start::kFrame);
    Data(flow, 1, Bytes(request_).first(100));
  }
  ASSERT_EQ(reassembler_->flows(), kFlows);
  ASSERT_EQ(assembler_->open(), kFlows);
  ExpectLittle("half a request in a stream");
}

TEST_F(ManyFlows, AFewBytesEachBehindAHole) {
  for (uint64_t flow = 0; flow < kFlows; ++flow) {
    Begin(flow, Start::kFrame);
    Data(flow, 100, Bytes(request_).first(20));
  }
  ASSERT_EQ(reassembler_->flows(), kFlows);
  ExpectLittle("bytes behind a hole");
}

TEST_F(ManyFlows, AFewBytesEachFromTheMiddleOfAConnection) {
  for (uint64_t flow = 0; flow < kFlows; ++flow) {
    Begin(flow, Start::kUnknown);
    Data(flow, 1, Bytes(request_).first(40));
  }
  ASSERT_EQ(reassembler_->flows(), kFlows);
  ExpectLittle("the middle of a connection");
}

TEST_F(ManyFlows, HalfAMessageWithoutAFrameEach) {
  HalfAMessageEach(Start::kFirstByte);
  ASSERT_EQ(reassembler_->flows(), kFlows);
  ExpectLittle("half a message without a frame");
}

TEST_F(ManyFlows, HalfAMessageWithoutAFrameEachFromTheMiddleOfAConnection) {
  HalfAMessageEach(Start::kUnknown);
  ASSERT_EQ(reassembler_->flows(), kFlows);
  ExpectLittle("half a message without a frame, in the middle of a connection");
}

TEST_F(ManyFlows, BetweenMessagesNothingIsHeldOfTheLastOne) {
  constexpr uint64_t kSome = 100;
  const std::vector<uint8_t> message = test::ThriftBinary(1, "say", std::vector<uint8_t>(100'000, 'x'));
  const size_t own = Taken();
  for (uint64_t flow = 0; flow < kSome; ++flow) {
    Begin(flow, Start::kFirstByte);
    Data(flow, 1, Bytes(message).first(60'000));
    Data(flow, 60'001, Bytes(message).subspan(60'000));
  }
  ASSERT_EQ(reassembler_->flows(), kSome);
  EXPECT_LE(Taken() - own, kSome * kBytesAFlow);
}

TEST_F(ManyFlows, OfFlowsThatAreFramedHereTheAgentFollowsAFewThousandAtATime) {
  UseDefaultLimits();
  HalfAMessageEach(Start::kFirstByte);
  ASSERT_EQ(reassembler_->flows(), ReassemblerLimits{}.max_flows);
  ExpectLittle("half a message without a frame, by the agent's limits", 128);
}

// Announced lengths are believed by nobody: what is held follows what came.
TEST_F(ManyFlows, ALongRequestHoldsTwiceWhatCameOfItAtMost) {
  constexpr size_t kSent = size_t{4} << 20;
  const std::vector<uint8_t> bytes(kSent, 'x');
  const size_t own = Taken();
  size_t most = 0;
  for (size_t sent = 0; sent < kSent;) {
    CapturedPart part;
    part.flow_id = 1;
    part.frame_bytes = 16U << 20;
    part.offset = static_cast<uint32_t>(sent);
    part.bytes = Bytes(bytes).subspan(sent, std::min(1'000 + sent % 15'000, kSent - sent));
    sent += part.bytes.size();
    reassembler_->Take(part, now_);
    ASSERT_LE(Taken() - own, 2 * sent + 1'024) << "after " << sent;
    most = std::max(most, Taken() - own);
  }
  EXPECT_GE(most, kSent);
}

}  // namespace
}  // namespace rpctee::stream
