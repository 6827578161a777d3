// Flows with a hole whose framing the tap knew.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/thrift_frames.h"
#include "unit/stream/reassembler_fixture.h"

namespace rpctee::stream {
namespace {

using test::Join;
using test::Slice;
using testing::ElementsAre;
using testing::IsEmpty;

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
  Take(record);
  Data(1300, a_);
  Data(1000, Slice(b_, 100));
  EXPECT_THAT(frames_, ElementsAre(b_, a_));
}

TEST_F(ReassemblerTest, GoesOnInsideAHeader) {
  CapturedStream record = Record(CapturedStream::Kind::kBegin, 1000);
  record.header_have = 5;
  std::copy_n(a_.begin(), 5, record.header.begin());
  Take(record);
  Data(1000, Slice(a_, 5));
  EXPECT_THAT(frames_, ElementsAre(a_));
}

TEST_F(ReassemblerTest, AHoleThatStaysOpenCostsItsRequestAndTheNextOnesAreFoundBehindIt) {
  Begin(1000);
  Data(1000, Slice(a_, 0, 100));
  Data(1200, Join({Slice(a_, 200), b_, a_}), 1);
  Wait(limits_.max_hole);
  EXPECT_THAT(lost_, IsEmpty());
  Wait(std::chrono::milliseconds(1));
  EXPECT_THAT(lost_, ElementsAre(LostReason::kGap));
  Wait(limits_.max_quiet + std::chrono::milliseconds(1));
  EXPECT_THAT(frames_, ElementsAre(b_, a_));
  EXPECT_THAT(mended_, ElementsAre(1U));
  EXPECT_EQ(given_up_, 0);
  // And on it goes.
  Data(2000, b_, 1);
  EXPECT_THAT(frames_, ElementsAre(b_, a_, b_));
}

TEST_F(ReassemblerTest, EachHoleThatStaysOpenIsPassedOver) {
  Begin(1000);
  Data(1000, a_);
  Data(1400, Join({b_, a_}), 1);
  Data(2300, Join({a_, b_}), 2);
  for (int i = 0; i < 4; ++i) {
    Wait(limits_.max_hole + std::chrono::milliseconds(1));
  }
  EXPECT_THAT(frames_, ElementsAre(a_, b_, a_, a_, b_));
  EXPECT_THAT(mended_, ElementsAre(1U, 2U));
}

TEST_F(ReassemblerTest, TheHolesOfASilentFlowAreGivenUpTogether) {
  Begin(1000);
  for (uint32_t i = 0; i < 1'000; ++i) {
    Data(2000 + 2 * i, Slice(a_, 50, 51), i + 1);
  }
  const uint32_t end = 2000 + 2 * 1'000;
  Data(end, Join({a_, b_}), 1'001);
  Wait(limits_.max_hole + std::chrono::milliseconds(1));
  EXPECT_LE(reassembler().buffered_bytes(), 10 * (a_.size() + b_.size())) << "they do not wait one after the other";
  Silence();
  EXPECT_THAT(frames_, ElementsAre(a_, b_));
}

TEST_F(ReassemblerTest, AtTheEndWhatStandsBehindAHoleIsTaken) {
  Begin(1000);
  Data(1000, Slice(a_, 0, 100));
  Data(1200, Join({Slice(a_, 200), b_, a_}), 1);
  reassembler().Finish(now_);
  EXPECT_THAT(frames_, ElementsAre(b_, a_));
  EXPECT_THAT(lost_, ElementsAre(LostReason::kGap));
  ExpectNothingHeld();
}

TEST_F(ReassemblerTest, BytesWithoutWordOfAHoleAreForgottenInSilence) {
  Data(1000, a_, 0);
  Wait(limits_.max_hole + std::chrono::milliseconds(1));
  EXPECT_EQ(given_up_, 0);
  EXPECT_EQ(reassembler().flows(), 0U);
}

TEST_F(ReassemblerTest, TheLimitOnMemoryGivesUp) {
  limits_.max_bytes = 1'300;
  Begin(1000);
  Data(2000, a_);
  Data(3000, a_);
  EXPECT_EQ(given_up_, 0);
  Data(4000, a_);
  EXPECT_EQ(given_up_, 1);
  EXPECT_EQ(reassembler().buffered_bytes(), 0U);
}

TEST_F(ReassemblerTest, FlowsThemselvesCountAsMemory) {
  constexpr size_t kSome = 10;
  Begin(1000);
  const size_t each = reassembler().used_bytes();
  EXPECT_GE(each, sizeof(FlowStream));
  EXPECT_EQ(reassembler().buffered_bytes(), 0U);
  limits_.max_bytes = kSome * each + each / 2;
  reassembler_.emplace(assembler_, *this, limits_);
  for (flow_id_ = 1; flow_id_ <= kSome; ++flow_id_) {
    Begin(1000);
    EXPECT_EQ(reassembler().used_bytes(), flow_id_ * each);
  }
  Begin(1000);
  EXPECT_EQ(given_up_, 1) << "there is no room for another one";
  EXPECT_EQ(reassembler().flows(), kSome);
  // The one that was silent longest makes room.
  now_ += limits_.max_hole + std::chrono::milliseconds(1);
  Begin(1000);
  EXPECT_EQ(given_up_, 2);
  EXPECT_EQ(reassembler().flows(), kSome);
  EXPECT_EQ(reassembler().used_bytes(), kSome * each);
  reassembler().Finish(now_);
  EXPECT_EQ(reassembler().used_bytes(), 0U);
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

TEST_F(ReassemblerTest, APartFromTheTapMeansThatTheEndWasLost) {
  Begin(1000);
  Data(1300, b_);
  Part(a_);
  ExpectNothingHeld();
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

TEST_F(ReassemblerTest, FramedThriftIsMendedInTheSameWay) {
  const ByteVector one = test::ThriftFrame(test::ThriftBinary(1, "say", a_));
  const ByteVector two = test::ThriftFrame(test::ThriftCompact(2, "say", b_));
  CapturedStream record = Record(CapturedStream::Kind::kBegin, 1000);
  record.protocol = Content::kThriftFramed;
  record.header_have = 3;
  std::copy_n(one.begin(), 3, record.header.begin());
  Take(record);
  const auto size = static_cast<uint32_t>(one.size());
  Data(1000 + size - 3, two);
  Data(1000, Slice(one, 3));
  EXPECT_THAT(frames_, ElementsAre(one, two));
  EXPECT_EQ(frame_protocol_, Content::kThriftFramed);
  EXPECT_EQ(protocol_, Content::kThriftFramed);
}

TEST_F(ReassemblerTest, AFlowThatIsInNoPossibleStateIsGivenUp) {
  CapturedStream record = Record(CapturedStream::Kind::kBegin, 1000);
  record.header_have = 16;
  Take(record);
  EXPECT_EQ(given_up_, 1);
  record.header_have = 4;
  record.protocol = Content::kThriftFramed;
  Take(record);
  EXPECT_EQ(given_up_, 2);
  record.header_have = 0;
  record.frame_left = 97;  // of a frame of 100 bytes, so inside its header
  record.frame_bytes = 100;
  Take(record);
  EXPECT_EQ(given_up_, 3);
  record.frame_left = 0;
  record.protocol = Content::kTls;
  Take(record);
  EXPECT_EQ(given_up_, 4);
  ExpectNothingHeld();
}

TEST_F(ReassemblerTest, AHoleThatBeginsAfterALongPauseHasItsFullTime) {
  Begin(1000);
  Data(1000, a_);
  Wait(std::chrono::seconds(30));
  Data(1700, a_, 2);
  Wait(limits_.max_hole);
  EXPECT_EQ(given_up_, 0);
  Data(1300, b_, 2);
  EXPECT_THAT(frames_, ElementsAre(a_, b_, a_));
  EXPECT_THAT(mended_, ElementsAre(1U, 2U));
}

TEST_F(ReassemblerTest, AFlowThatTheTapDoesNotTakeBackIsGivenUpInTheEnd) {
  Begin(1000);
  Data(1000, a_);
  Wait(limits_.max_idle);
  EXPECT_EQ(given_up_, 0);
  Wait(std::chrono::milliseconds(1));
  EXPECT_EQ(given_up_, 1);
  EXPECT_EQ(told_holes_, 1U) << "which stream it is";
  ExpectNothingHeld();
}

TEST_F(ReassemblerTest, AFullTableMakesRoomByTheFlowThatWasSilentLongest) {
  limits_.max_flows = 2;
  Begin(1000);
  Data(1000, a_);
  flow_id_ = 2;
  Begin(1000);
  Wait(limits_.max_hole + std::chrono::milliseconds(1));
  flow_id_ = 1;
  Data(1300, b_);
  flow_id_ = 3;
  Begin(1000);
  Data(1000, a_);
  EXPECT_EQ(given_up_, 1);
  EXPECT_EQ(reassembler().flows(), 2U);
  flow_id_ = 1;
  Data(1700, a_);
  EXPECT_THAT(frames_, ElementsAre(a_, b_, a_, a_));
}

// A stream may be longer than sequence numbers reach.
TEST_F(ReassemblerTest, FiveGibibytesLaterTheFlowIsStillInOrder) {
  constexpr uint32_t kStep = 64U << 20;
  constexpr uint32_t kBody = 0x0fffffffU;
  constexpr int kFrames = 24;
  const ByteVector zeros(kStep);
  ByteVector header(a_.begin(), a_.begin() + 16);
  std::fill_n(header.begin() + 12, 4, uint8_t{0xff});
  header[12] = 0x0f;
  uint32_t seq = 0xffffff00U;
  Begin(seq);
  for (int frame = 0; frame < kFrames; ++frame) {
    Data(seq, header);
    seq += 16;
    for (uint32_t left = kBody; left != 0;) {
      const uint32_t bytes = std::min(left, kStep);
      Data(seq, Bytes(zeros).first(bytes));
      seq += bytes;
      left -= bytes;
    }
  }
  Data(seq + 300, b_, 2);
  Data(seq, a_, 2);
  std::vector<StreamRequest> outcomes(kFrames + 2, StreamRequest::kTooBig);
  outcomes[kFrames] = outcomes[kFrames + 1] = StreamRequest::kSampled;
  EXPECT_EQ(outcomes_, outcomes);
  EXPECT_THAT(frames_, ElementsAre(a_, b_));
  End(seq + 700);
  ExpectNothingHeld();
}

}  // namespace
}  // namespace rpctee::stream
