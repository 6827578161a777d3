// Thrift without frames: its bytes come up from the first to the last.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/thrift_frames.h"
#include "unit/stream/reassembler_fixture.h"

namespace rpctee::stream {
namespace {

using std::chrono::milliseconds;
using test::Join;
using test::Slice;
using testing::ElementsAre;
using testing::IsEmpty;

class UnframedTest : public ReassemblerTest {
 protected:
  void Begin(uint32_t seq = 1000) {
    ReassemblerTest::Begin(seq, Start::kFirstByte);
    next_ = seq;
  }
  // The bytes that follow.
  void Send(Bytes bytes) {
    Data(next_, bytes, 0);
    next_ += static_cast<uint32_t>(bytes.size());
  }
  static ByteVector Call(uint32_t id, size_t bytes) {
    const size_t rest = test::ThriftBinary(id, "say", {}).size();
    return test::ThriftBinary(id, "say", ByteVector(bytes - rest, 'x'));
  }

  const ByteVector binary_ = test::ThriftBinary(1, "sayHello", a_);
  const ByteVector compact_ = test::ThriftCompact(2, "sayHello", b_);
  uint32_t next_ = 0;
};

TEST_F(UnframedTest, MessagesComeOutOneByOne) {
  Begin();
  Send(Join({binary_, compact_, binary_}));
  EXPECT_THAT(frames_, ElementsAre(binary_, compact_, binary_));
  EXPECT_EQ(frame_protocol_, Content::kThriftUnframed);
  EXPECT_THAT(outcomes_, ElementsAre(StreamRequest::kSampled, StreamRequest::kSampled, StreamRequest::kSampled));
  EXPECT_THAT(mended_, IsEmpty());
  EXPECT_EQ(reassembler().buffered_bytes(), 0U);
  EXPECT_EQ(reassembler().flows(), 1U);
}

TEST_F(UnframedTest, PiecesOfAnySizeGiveTheSame) {
  const ByteVector stream = Join({binary_, compact_, binary_});
  for (size_t step = 1; step < 40; ++step) {
    ++flow_id_;
    frames_.clear();
    Begin(0xfffffff0U);
    for (size_t at = 0; at < stream.size(); at += step) {
      Send(Slice(stream, at, at + step));
    }
    ASSERT_THAT(frames_, ElementsAre(binary_, compact_, binary_)) << "pieces of " << step;
    ASSERT_EQ(reassembler().buffered_bytes(), 0U);
  }
}

TEST_F(UnframedTest, WhatIsNotSampledIsNotHeld) {
  threshold_ = 0;
  Begin();
  const ByteVector call = Call(1, 100'000);
  Send(Slice(call, 0, 90'000));
  EXPECT_LT(reassembler().buffered_bytes(), 2'000U);
  Send(Slice(call, 90'000));
  EXPECT_THAT(outcomes_, ElementsAre(StreamRequest::kNotSampled));
  EXPECT_THAT(frames_, IsEmpty());
}

TEST_F(UnframedTest, AMessageThatIsTooBigIsCountedOnceAndSkipped) {
  limits_.max_request_bytes = 1'000;
  Begin();
  const ByteVector big = Call(1, 1'001);
  Send(Join({Call(1, 1'000), big, binary_}));
  Send(Slice(big, 0, 500));
  EXPECT_GE(reassembler().buffered_bytes(), 500U);
  Send(Slice(big, 500));
  Send(binary_);
  EXPECT_THAT(outcomes_, ElementsAre(StreamRequest::kSampled, StreamRequest::kTooBig, StreamRequest::kSampled,
                                     StreamRequest::kTooBig, StreamRequest::kSampled));
  EXPECT_THAT(frames_, ElementsAre(Call(1, 1'000), binary_, binary_));
  EXPECT_EQ(reassembler().buffered_bytes(), 0U);
}

TEST_F(UnframedTest, TheLimitOnMemoryGivesUpAndTheBooksSayGap) {
  limits_.max_bytes = 50'000;
  Begin();
  const ByteVector call = Call(1, 100'000);
  for (size_t at = 0; given_up_ == 0; at += 10'000) {
    ASSERT_LT(at, call.size());
    Send(Slice(call, at, at + 10'000));
    ASSERT_LE(reassembler().used_bytes(), limits_.max_bytes);
  }
  EXPECT_THAT(outcomes_, ElementsAre(StreamRequest::kSampled));
  EXPECT_THAT(lost_, ElementsAre(LostReason::kGap));
  ExpectNothingHeld();
}

TEST_F(UnframedTest, AMessageThatIsCutIsBookedForTheReason) {
  const std::pair<CutReason, LostReason> rows[] = {{CutReason::kGap, LostReason::kGap},
                                                   {CutReason::kRingFull, LostReason::kRingFull},
                                                   {CutReason::kFlowEnded, LostReason::kFlowEnded}};
  for (const auto& [cut, lost] : rows) {
    Forget();
    Begin();
    Send(Join({binary_, Slice(compact_, 0, 200)}));
    CutByTap(cut);
    EXPECT_THAT(outcomes_, ElementsAre(StreamRequest::kSampled, StreamRequest::kSampled));
    EXPECT_THAT(lost_, ElementsAre(lost));
    ExpectNothingHeld();
  }
}

TEST_F(UnframedTest, AMessageThatIsCutAndWasNotSampledIsBookedToo) {
  threshold_ = 0;
  Begin();
  Send(Slice(binary_, 0, 200));
  CutByTap(CutReason::kGap);
  EXPECT_THAT(outcomes_, ElementsAre(StreamRequest::kNotSampled));
  EXPECT_THAT(lost_, IsEmpty());
}

TEST_F(UnframedTest, OneOfWhichLessThanAHeadWasSeenIsNotBooked) {
  Begin();
  Send(Join({binary_, Slice(compact_, 0, 7)}));
  CutByTap(CutReason::kGap);
  EXPECT_EQ(outcomes_.size(), 1U);
  EXPECT_THAT(lost_, IsEmpty());
}

TEST_F(UnframedTest, WhatIsNoMessageIsGivenUp) {
  Begin();
  Send(Join({binary_, ByteVector(30, 'x')}));
  EXPECT_THAT(frames_, ElementsAre(binary_));
  EXPECT_EQ(given_up_, 1);
  EXPECT_EQ(outcomes_.size(), 1U);
  ExpectNothingHeld();
}

TEST_F(UnframedTest, AMessageThatBreaksInItsMiddleIsAGap) {
  ByteVector broken = test::ThriftBinary(1, "say", {});
  broken.back() = 0x77;  // the type of a field, and none that there is
  for (const size_t first : {broken.size(), size_t{12}}) {
    Forget();
    Begin();
    Send(Slice(broken, 0, first));
    Send(Join({Slice(broken, first), ByteVector(8, 'x')}));
    EXPECT_THAT(outcomes_, ElementsAre(StreamRequest::kSampled));
    EXPECT_THAT(lost_, ElementsAre(LostReason::kGap));
    ExpectNothingHeld();
  }
}

TEST_F(UnframedTest, RepliesAreNoRequests) {
  ByteVector reply = binary_;
  reply[3] = 2;
  Begin();
  Send(Join({binary_, reply, compact_}));
  EXPECT_THAT(frames_, ElementsAre(binary_, compact_));
}

TEST_F(UnframedTest, TheTapIsToldFromTimeToTimeThatBytesAreTaken) {
  threshold_ = 0;
  Begin();
  const ByteVector call = Call(1, size_t{1} << 20);
  for (int i = 0; i < 12; ++i) {
    EXPECT_EQ(taken_, i / 4);
    Send(call);
  }
  EXPECT_EQ(taken_, 3);
  EXPECT_EQ(given_up_, 0);
}

TEST_F(UnframedTest, AHoleIsMendedAndTheTapNotToldToTakeTheFlowBack) {
  Begin();
  const auto size = static_cast<uint32_t>(binary_.size());
  Data(1000 + size, compact_);
  Data(1000, binary_);
  EXPECT_THAT(frames_, ElementsAre(binary_, compact_));
  EXPECT_THAT(mended_, IsEmpty());
}

TEST_F(UnframedTest, BetweenMessagesAFlowMayBeSilentForLong) {
  Begin();
  Send(binary_);
  Wait(limits_.max_silent);
  EXPECT_EQ(given_up_, 0);
  Send(Slice(compact_, 0, 100));
  Wait(limits_.max_idle + milliseconds(1));
  EXPECT_EQ(given_up_, 1);
  ExpectNothingHeld();
}

TEST_F(UnframedTest, IsJoinedByTwoMessagesAndASilence) {
  ReassemblerTest::Begin(1000, Start::kUnknown);
  Data(1000, Join({Slice(compact_, 9), binary_, compact_}), 0);
  Silence();
  EXPECT_THAT(frames_, ElementsAre(binary_, compact_));
  EXPECT_THAT(mended_, IsEmpty());
  EXPECT_EQ(given_up_, 0);
}

TEST_F(UnframedTest, ANewBeginEndsWhatIsOpen) {
  Begin();
  Send(Slice(compact_, 0, 200));
  Begin(90'000);
  EXPECT_THAT(lost_, ElementsAre(LostReason::kRingFull));
  Send(binary_);
  EXPECT_THAT(frames_, ElementsAre(binary_));
}

TEST_F(UnframedTest, FinishEndsWhatIsOpen) {
  Begin();
  Send(Join({binary_, Slice(compact_, 0, 200)}));
  reassembler().Finish(now_);
  EXPECT_THAT(frames_, ElementsAre(binary_));
  EXPECT_THAT(lost_, ElementsAre(LostReason::kFlowEnded));
  ExpectNothingHeld();
}

}  // namespace
}  // namespace rpctee::stream
