// Flows of which the tap does not know the protocol, or nothing; and flows that it took back at a false place.
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

class FirstByteTest : public ReassemblerTest {};

TEST_F(FirstByteTest, AHoleBeforeTheFirstRequestIsMended) {
  Begin(1000, Start::kFirstByte);
  Data(1300, b_);
  EXPECT_THAT(frames_, IsEmpty());
  Data(1000, a_);
  EXPECT_THAT(frames_, ElementsAre(a_, b_));
  EXPECT_THAT(mended_, ElementsAre(1U));
  EXPECT_EQ(protocol_, Content::kDubbo);
  End(1700);
  ExpectNothingHeld();
}

TEST_F(FirstByteTest, ByteByByteTheProtocolIsFound) {
  const ByteVector thrift = test::ThriftFrame(test::ThriftBinary(7, "say", {}));
  for (const ByteVector& request : {a_, thrift}) {
    frames_.clear();
    Begin(1000, Start::kFirstByte);
    for (uint32_t i = 0; i < request.size(); ++i) {
      Data(1000 + i, Slice(request, i, i + 1), 0);
    }
    EXPECT_THAT(frames_, ElementsAre(request));
  }
  EXPECT_EQ(protocol_, Content::kThriftFramed);
}

TEST_F(FirstByteTest, WhatIsNotMirroredIsIgnoredByItsKind) {
  const std::pair<std::string_view, Content> rows[] = {{"\x16\x03\x01", Content::kTls},
                                                       {"GET / HTTP/1.1\r\n", Content::kHttp1},
                                                       {"PRI * HTTP/2.0\r\n", Content::kHttp2},
                                                       {"ls\r\n", Content::kTelnet},
                                                       {"\x01\x02", Content::kOther}};
  for (const auto& [text, kind] : rows) {
    ignored_.clear();
    Begin(1000, Start::kFirstByte);
    Data(1000, {reinterpret_cast<const uint8_t*>(text.data()), text.size()}, 7);
    EXPECT_THAT(ignored_, ElementsAre(kind));
    EXPECT_EQ(told_holes_, 7U) << "which stream it is";
    ExpectNothingHeld();
  }
  EXPECT_EQ(given_up_, 0);
}

TEST_F(FirstByteTest, TooFewBytesToSayAreGivenUpInTheEnd) {
  Begin(1000, Start::kFirstByte);
  Data(1000, Slice(a_, 0, 1), 0);
  Wait(limits_.max_idle);
  EXPECT_EQ(given_up_, 0);
  Wait(milliseconds(1));
  EXPECT_EQ(given_up_, 1);
  ExpectNothingHeld();
}

TEST_F(FirstByteTest, BehindAHoleThatIsNotFilledTheNextRequestIsFound) {
  Begin(1000, Start::kFirstByte);
  Data(1300, b_);
  Wait(limits_.max_hole + milliseconds(1));
  EXPECT_THAT(frames_, IsEmpty());
  Silence();
  EXPECT_THAT(frames_, ElementsAre(b_));
  EXPECT_EQ(given_up_, 0);
}

class JoinTest : public ReassemblerTest {};

TEST_F(JoinTest, InABusyFlowFourHeadsInARowAreBelievedAtOnce) {
  const ByteVector stream = Join({Slice(a_, 100), b_, a_, b_, a_, b_});
  Begin(1000, Start::kUnknown);
  Data(1000, Slice(stream, 0, 200 + 400 + 300 + 400 + 10), 0);
  EXPECT_THAT(frames_, IsEmpty());
  Data(1000 + 1310, Slice(stream, 1310), 0);
  EXPECT_THAT(frames_, ElementsAre(b_, a_, b_, a_, b_));
  EXPECT_EQ(outcomes_.size(), 5U);
  EXPECT_THAT(mended_, ElementsAre(0U));
  EXPECT_EQ(protocol_, Content::kDubbo);
  End(1000 + static_cast<uint32_t>(stream.size()));
  ExpectNothingHeld();
}

TEST_F(JoinTest, InAQuietFlowOneWholeRequestIsEnough) {
  Begin(1000, Start::kUnknown);
  Data(1000, Join({Slice(a_, 100), b_}), 0);
  Wait(limits_.max_quiet);
  EXPECT_THAT(frames_, IsEmpty());
  Wait(milliseconds(1));
  EXPECT_THAT(frames_, ElementsAre(b_));
  EXPECT_THAT(mended_, ElementsAre(0U));
}

TEST_F(JoinTest, ASilenceInsideARequestDecidesNothing) {
  Begin(1000, Start::kUnknown);
  Data(1000, Join({Slice(a_, 100), b_, Slice(a_, 0, 299)}), 0);
  Silence();
  EXPECT_THAT(frames_, IsEmpty());
  EXPECT_THAT(mended_, IsEmpty());
  Data(1000 + 200 + 400 + 299, Slice(a_, 299), 0);
  EXPECT_THAT(frames_, IsEmpty());
  Silence();
  EXPECT_THAT(frames_, ElementsAre(b_, a_));
}

TEST_F(JoinTest, AnswersAndEventsBetweenRequestsAreFrames) {
  Begin(1000, Start::kUnknown);
  Data(1000, Join({Slice(a_, 100), b_, test::DubboHeartbeat(5), test::DubboResponse(6), a_, Slice(b_, 0, 20)}), 0);
  EXPECT_THAT(frames_, ElementsAre(b_, a_));
  EXPECT_EQ(outcomes_.size(), 3U);
}

TEST_F(JoinTest, SegmentsInAnyOrderAreJoinedToo) {
  const ByteVector stream = Join({Slice(a_, 100), b_, a_, b_, a_});
  Begin(1000, Start::kUnknown);
  Data(1700, Slice(stream, 700), 1);
  Data(1000, Slice(stream, 0, 300), 1);
  Data(1300, Slice(stream, 300, 700), 1);
  EXPECT_THAT(frames_, ElementsAre(b_, a_, b_, a_));
  EXPECT_THAT(mended_, ElementsAre(1U));
}

TEST_F(JoinTest, NothingIsBelievedWhileBytesMayYetCome) {
  Begin(1000, Start::kUnknown);
  Data(1000, a_, 0);
  Data(1700, b_, 1);
  Silence();
  EXPECT_THAT(frames_, IsEmpty());
  Wait(limits_.max_hole);
  Silence();
  EXPECT_THAT(frames_, ElementsAre(a_, b_));
}

TEST_F(JoinTest, WithoutAHeadInTheBoundItIsGivenUpAndNothingIsInTheBooks) {
  const ByteVector noise(10'000, 0xda);
  Begin(1000, Start::kUnknown);
  uint32_t sent = 0;
  for (; given_up_ == 0; sent += 10'000) {
    ASSERT_LE(sent, 2 * limits_.max_join_bytes);
    Data(1000 + sent, noise, 0);
    ASSERT_LE(reassembler().buffered_bytes(), limits_.max_join_bytes + 20'000);
  }
  EXPECT_GT(sent, limits_.max_join_bytes);
  EXPECT_THAT(outcomes_, IsEmpty());
  ExpectNothingHeld();
}

TEST_F(JoinTest, WhatIsHeldCountsAsMemory) {
  limits_.max_bytes = 50'000;
  Begin(1000, Start::kUnknown);
  // A head whose frame is long: all of it is held.
  const ByteVector big = test::DubboRequest(1, 100'000);
  Data(1000, Slice(big, 0, 40'000), 0);
  EXPECT_GE(reassembler().buffered_bytes(), 40'000U);
  Data(41'000, Slice(big, 40'000, 60'000), 0);
  EXPECT_EQ(given_up_, 1);
  ExpectNothingHeld();
}

TEST_F(JoinTest, AFlowThatSaysNothingMoreIsGivenUpInTheEnd) {
  Begin(1000, Start::kUnknown);
  Data(1000, Slice(a_, 0, 299), 0);
  Silence();
  Wait(limits_.max_idle - milliseconds(201));
  EXPECT_EQ(given_up_, 0);
  Wait(milliseconds(1));
  EXPECT_EQ(given_up_, 1);
  ExpectNothingHeld();
}

TEST_F(JoinTest, TheEndOfTheConnectionIsSilenceToo) {
  Begin(1000, Start::kUnknown);
  Data(1000, Join({Slice(a_, 100), b_}), 0);
  CutByTap(CutReason::kFlowEnded);
  EXPECT_THAT(frames_, ElementsAre(b_));
  ExpectNothingHeld();
}

TEST_F(JoinTest, TheEndOfTheConnectionIsNoSilenceWhileBytesAreMissing) {
  Begin(1000, Start::kUnknown);
  Data(1000, a_, 0);
  Data(1700, b_, 1);
  CutByTap(CutReason::kFlowEnded);
  EXPECT_THAT(frames_, IsEmpty());
  ExpectNothingHeld();
}

TEST_F(JoinTest, WhenTheTapGivesUpNothingIsBelieved) {
  Begin(1000, Start::kUnknown);
  Data(1000, Join({Slice(a_, 100), b_}), 0);
  CutByTap(CutReason::kGap);
  EXPECT_THAT(frames_, IsEmpty());
  ExpectNothingHeld();
}

TEST_F(JoinTest, FinishTakesWhatIsWholeAndEndsWhatIsOpen) {
  Begin(1000, Start::kUnknown);
  Data(1000, Join({Slice(a_, 100), b_}), 0);
  flow_id_ = 2;
  Begin(1000);
  Data(1000, Slice(a_, 0, 200), 0);
  flow_id_ = 3;
  Begin(1000);
  Data(1000, Slice(a_, 0, 200), 0);
  Data(1250, Slice(a_, 250), 1);
  flow_id_ = 4;
  Data(1000, a_, 0);
  const size_t told = mended_.size();
  reassembler().Finish(now_);
  EXPECT_THAT(frames_, ElementsAre(b_));
  EXPECT_THAT(lost_, testing::UnorderedElementsAre(LostReason::kFlowEnded, LostReason::kGap));
  EXPECT_EQ(given_up_, 0);
  EXPECT_EQ(mended_.size(), told);
  ExpectNothingHeld();
}

class FalseEndTest : public ReassemblerTest {
 protected:
  // The tap takes the flow back in the middle of a_.
  void TakenBackAtAFalsePlace() {
    Begin(1000);
    Data(1000, Slice(a_, 0, 100));
    End(1100);
  }
};

TEST_F(FalseEndTest, CutsTheOpenRequestAndWaitsForTheNextStreamToGiveItUp) {
  TakenBackAtAFalsePlace();
  EXPECT_THAT(lost_, ElementsAre(LostReason::kGap));
  EXPECT_EQ(given_up_, 0) << "nobody heeds a word before";
  ExpectNothingHeld();
}

TEST_F(FalseEndTest, WhatTheTapFramesThereIsBookedAndNeverMirrored) {
  TakenBackAtAFalsePlace();
  Part(b_);
  Part(b_, CutReason::kRingFull);
  Data(2000, b_);
  EXPECT_THAT(frames_, IsEmpty());
  EXPECT_THAT(lost_, ElementsAre(LostReason::kGap, LostReason::kGap, LostReason::kGap));
  ExpectNothingHeld();
}

TEST_F(FalseEndTest, AHoleThatTheTapFindsThereIsNotMended) {
  TakenBackAtAFalsePlace();
  Begin(1500);
  Data(1500, b_);
  EXPECT_EQ(given_up_, 1);
  EXPECT_THAT(frames_, IsEmpty());
  Part(b_);
  EXPECT_THAT(frames_, IsEmpty());
}

TEST_F(FalseEndTest, IsOverWhenTheTapAsksForAPlaceOrBeginsAnew) {
  for (const Start start : {Start::kUnknown, Start::kFirstByte}) {
    frames_.clear();
    TakenBackAtAFalsePlace();
    Begin(1500, start);
    Data(1500, b_);
    Silence();
    Part(a_);
    EXPECT_THAT(frames_, ElementsAre(b_, a_));
  }
}

TEST_F(FalseEndTest, IsOverWhenTheTapHasGivenUp) {
  TakenBackAtAFalsePlace();
  CutByTap(CutReason::kGap);
  Part(b_);
  TakenBackAtAFalsePlace();
  Part(b_, CutReason::kGap);
  TakenBackAtAFalsePlace();
  CutByTap(CutReason::kRingFull);
  Part(b_);
  EXPECT_THAT(frames_, ElementsAre(b_, b_));
}

TEST_F(FalseEndTest, IsOverInTimeWhenTheTapSaysNothing) {
  TakenBackAtAFalsePlace();
  Wait(limits_.max_refused);
  Part(b_);
  EXPECT_THAT(frames_, IsEmpty());
  Wait(milliseconds(1));
  Part(b_);
  EXPECT_THAT(frames_, ElementsAre(b_));
}

TEST_F(FalseEndTest, OtherFlowsAreNotConcerned) {
  TakenBackAtAFalsePlace();
  flow_id_ = 2;
  Part(b_);
  EXPECT_THAT(frames_, ElementsAre(b_));
}

TEST_F(FalseEndTest, MemoryForThemIsBounded) {
  limits_.max_flows = 10;
  for (flow_id_ = 1; flow_id_ <= 11; ++flow_id_) {
    TakenBackAtAFalsePlace();
  }
  flow_id_ = 2;
  Part(b_);
  EXPECT_THAT(frames_, IsEmpty());
  flow_id_ = 1;  // the oldest made room
  Part(b_);
  EXPECT_THAT(frames_, ElementsAre(b_));
}

TEST_F(FalseEndTest, ATruePlaceWithBytesFromBehindItIsTrueAndTheBytesAreKept) {
  Begin(1000);
  Data(1000, a_, 1);
  Data(1700, a_, 1);  // from another CPU
  End(1300);
  EXPECT_EQ(given_up_, 0);
  Part(b_);
  Begin(1700);
  EXPECT_THAT(frames_, ElementsAre(a_, b_, a_));
}

}  // namespace
}  // namespace rpctee::stream
