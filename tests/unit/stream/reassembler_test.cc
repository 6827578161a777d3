#include "stream/reassembler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/dubbo_frames.h"
#include "support/packet_builder.h"

namespace rpctee::stream {
namespace {

using test::ByteVector;
using test::DubboRequest;
using test::Join;
using test::Slice;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr uint64_t kAll = uint64_t{1} << 32;

class ReassemblerTest : public testing::Test, public AssemblerObserver, public ReassemblerObserver {
 protected:
  // The flow stands at a boundary, at sequence number `seq`, and the byte there is missing.
  void Begin(uint32_t seq) {
    CapturedStream record = Record(CapturedStream::Kind::kBegin, seq);
    reassembler().Take(record, now_);
  }
  void Data(uint32_t seq, Bytes bytes, uint32_t holes = 1) {
    CapturedStream record = Record(CapturedStream::Kind::kData, seq);
    record.bytes = bytes;
    record.holes = holes;
    reassembler().Take(record, now_);
  }
  void End(uint32_t seq) { reassembler().Take(Record(CapturedStream::Kind::kEnd, seq), now_); }
  void Wait(Duration time) {
    now_ += time;
    reassembler().Expire(now_);
  }
  CapturedStream Record(CapturedStream::Kind kind, uint32_t seq) const {
    CapturedStream record;
    record.kind = kind;
    record.flow_id = flow_id_;
    record.seq = seq;
    return record;
  }
  Reassembler& reassembler() {
    if (!reassembler_) {
      reassembler_.emplace(assembler_, *this, limits_);
    }
    return *reassembler_;
  }

  uint64_t ThresholdOf(const SocketAddress&) override { return threshold_; }
  void OnStreamRequest(StreamRequest outcome) override { outcomes_.push_back(outcome); }
  void OnMended(const Flow&, uint64_t, uint32_t holes, Content) override { mended_.push_back(holes); }
  void OnGivenUp(const Flow&, uint64_t) override { ++given_up_; }
  void OnTaken(const Flow&, uint64_t) override {}
  void OnIgnored(const Flow&, uint64_t, Content) override {}
  void OnFirstPart() override {}
  void OnFrame(const Frame& frame) override { frames_.emplace_back(frame.bytes.begin(), frame.bytes.end()); }
  void OnLost(LostReason reason) override { lost_.push_back(reason); }

  const ByteVector a_ = DubboRequest(1, 300);
  const ByteVector b_ = DubboRequest(2, 400);
  uint64_t flow_id_ = 1;
  uint64_t threshold_ = kAll;
  TimePoint now_ = Clock::now();
  ReassemblerLimits limits_;
  Assembler assembler_{*this, {}};
  std::optional<Reassembler> reassembler_;
  std::vector<StreamRequest> outcomes_;
  std::vector<uint32_t> mended_;
  std::vector<ByteVector> frames_;
  std::vector<LostReason> lost_;
  int given_up_ = 0;
};

TEST_F(ReassemblerTest, PutsSegmentsInOrderAndHandsTheFlowBack) {
  Begin(1000);
  Data(1300, b_);
  EXPECT_THAT(mended_, IsEmpty());
  Data(1000, a_);
  EXPECT_THAT(frames_, ElementsAre(a_, b_));
  EXPECT_THAT(mended_, ElementsAre(1U));
  End(1700);
  EXPECT_EQ(reassembler().flows(), 0U);
  EXPECT_THAT(lost_, IsEmpty());
}

TEST_F(ReassemblerTest, BytesThatCameBeforeWordOfTheHoleFillIt) {
  Data(1000, a_, 0);
  Begin(1000);
  EXPECT_THAT(frames_, ElementsAre(a_));
}

TEST_F(ReassemblerTest, SequenceNumbersWrap) {
  Begin(0xffffff00);
  Data(0xffffff00 + 300, b_);
  Data(0xffffff00, a_);
  EXPECT_THAT(frames_, ElementsAre(a_, b_));
}

TEST_F(ReassemblerTest, TheFirstCopyOfAByteWins) {
  ByteVector other = a_;
  other[250] ^= 0xff;
  Begin(1000);
  Data(1200, Slice(a_, 200));
  Data(1000, other);
  EXPECT_THAT(frames_, ElementsAre(a_));
}

TEST_F(ReassemblerTest, PiecesOfAnySizeInAnyOrder) {
  const ByteVector both = Join({a_, b_});
  for (uint32_t step = 1; step < 50; ++step) {
    frames_.clear();
    Begin(1000);
    for (uint32_t odd : {1U, 0U}) {
      for (uint32_t i = odd; i * step < both.size(); i += 2) {
        Data(1000 + i * step, Slice(both, i * step, i * step + step));
      }
    }
    EXPECT_THAT(frames_, ElementsAre(a_, b_)) << "pieces of " << step;
    EXPECT_EQ(reassembler().buffered_bytes(), 0U);
    End(1700);
  }
}

TEST_F(ReassemblerTest, GoesOnInsideAFrameThatTheTapWasCopying) {
  CapturedPart first;
  first.flow_id = flow_id_;
  first.request = 7;
  first.frame_bytes = 400;
  first.bytes = Bytes(b_).first(100);
  assembler_.Take(first, now_);
  CapturedStream record = Record(CapturedStream::Kind::kBegin, 1000);
  record.frame_bytes = 400;
  record.frame_left = 300;
  record.copying = true;
  record.request = 7;
  reassembler().Take(record, now_);
  Data(1300, a_);
  Data(1000, Slice(b_, 100));
  EXPECT_THAT(frames_, ElementsAre(b_, a_));
}

TEST_F(ReassemblerTest, GoesOnInsideAHeader) {
  CapturedStream record = Record(CapturedStream::Kind::kBegin, 1000);
  record.header_have = 5;
  std::copy_n(a_.begin(), 5, record.header.begin());
  reassembler().Take(record, now_);
  Data(1000, Slice(a_, 5));
  EXPECT_THAT(frames_, ElementsAre(a_));
}

TEST_F(ReassemblerTest, AHoleThatStaysOpenIsGivenUpAndTheOpenRequestBooked) {
  Begin(1000);
  Data(1000, Slice(a_, 0, 100));
  Data(1200, Slice(a_, 200));
  Wait(limits_.max_hole);
  EXPECT_EQ(given_up_, 0);
  Wait(std::chrono::milliseconds(1));
  EXPECT_EQ(given_up_, 1);
  EXPECT_THAT(lost_, ElementsAre(LostReason::kGap));
  EXPECT_EQ(reassembler().flows(), 0U);
  EXPECT_EQ(reassembler().buffered_bytes(), 0U);
}

TEST_F(ReassemblerTest, BytesWithoutWordOfAHoleAreForgottenInSilence) {
  Data(1000, a_, 0);
  Wait(limits_.max_hole + std::chrono::milliseconds(1));
  EXPECT_EQ(given_up_, 0);
  EXPECT_EQ(reassembler().flows(), 0U);
}

TEST_F(ReassemblerTest, TheLimitOnMemoryGivesUp) {
  limits_.max_bytes = 1'000;
  Begin(1000);
  Data(2000, a_);
  Data(3000, a_);
  EXPECT_EQ(given_up_, 0);
  Data(4000, a_);
  EXPECT_EQ(given_up_, 1);
  EXPECT_EQ(reassembler().buffered_bytes(), 0U);
}

TEST_F(ReassemblerTest, TheLimitOnFlowsGivesUpTheNewOne) {
  limits_.max_flows = 1;
  Begin(1000);
  flow_id_ = 2;
  Begin(1000);
  EXPECT_EQ(given_up_, 1);
  Data(1000, a_);
  EXPECT_THAT(frames_, IsEmpty());
}

TEST_F(ReassemblerTest, WhatIsNoFrameIsGivenUp) {
  Begin(1000);
  Data(1000, ByteVector(40, 'x'));
  EXPECT_EQ(given_up_, 1);
}

TEST_F(ReassemblerTest, EventsAreNoRequestsAndEachRequestHasOneOutcome) {
  limits_.max_request_bytes = 350;
  Begin(1000);
  Data(1000, Join({a_, test::DubboHeartbeat(9), b_}));
  EXPECT_THAT(outcomes_, ElementsAre(StreamRequest::kSampled, StreamRequest::kTooBig));
  threshold_ = 0;
  Data(1717, a_);
  EXPECT_THAT(outcomes_, ElementsAre(StreamRequest::kSampled, StreamRequest::kTooBig, StreamRequest::kNotSampled));
  EXPECT_THAT(frames_, ElementsAre(a_));
}

TEST_F(ReassemblerTest, AnEndThatIsNoBoundaryCutsTheOpenRequest) {
  Begin(1000);
  Data(1000, Slice(a_, 0, 100));
  End(1100);
  EXPECT_THAT(lost_, ElementsAre(LostReason::kGap));
  EXPECT_EQ(reassembler().flows(), 0U);
}

TEST_F(ReassemblerTest, APartFromTheTapMeansThatTheEndWasLost) {
  Begin(1000);
  Data(1300, b_);
  CapturedPart part;
  part.flow_id = flow_id_;
  part.frame_bytes = 300;
  part.bytes = a_;
  reassembler().OnPart(part);
  EXPECT_EQ(reassembler().flows(), 0U);
  EXPECT_EQ(reassembler().buffered_bytes(), 0U);
}

TEST_F(ReassemblerTest, IsToldOfLaterHolesToo) {
  Begin(1000);
  Data(1300, b_, 1);
  Data(1000, a_, 1);
  Data(2000, b_, 2);
  Data(1700, a_, 2);
  EXPECT_THAT(mended_, ElementsAre(1U, 2U));
  EXPECT_THAT(frames_, ElementsAre(a_, b_, a_, b_));
}

}  // namespace
}  // namespace rpctee::stream
