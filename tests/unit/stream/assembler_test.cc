#include "stream/assembler.h"

#include <gtest/gtest.h>

#include <numeric>

#include "unit/stream/recorder.h"

namespace rpctee::stream {
namespace {

using std::chrono::seconds;

class AssemblerTest : public testing::Test {
 protected:
  AssemblerTest() : data_(100'000) { std::iota(data_.begin(), data_.end(), uint8_t{0}); }

  // Bytes [offset, offset + size) of a request of `total` bytes.
  CapturedPart Part(uint64_t flow, uint32_t offset, uint32_t size, uint32_t total, uint32_t request = 1) {
    CapturedPart part;
    part.flow_id = flow;
    part.request = request;
    part.draw = 77;
    part.time_ns = 1000 + offset;
    part.frame_bytes = total;
    part.offset = offset;
    part.bytes = Bytes(data_).subspan(offset, size);
    return part;
  }

  void Take(const CapturedPart& part) { assembler_.Take(part, now_); }
  void Cut(uint64_t flow, CutReason reason) {
    CapturedPart part;
    part.flow_id = flow;
    part.is_cut = true;
    part.cut = reason;
    Take(part);
  }
  // Every first part has ended once or is open; nothing is held for what has ended.
  void ExpectBalanced() {
    EXPECT_EQ(recorder_.first_parts, recorder_.frames.size() + recorder_.losses + assembler_.open());
    EXPECT_EQ(assembler_.open() == 0, assembler_.buffered_bytes() == 0);
  }
  // One request was lost for `reason`, and nothing is left.
  void ExpectLost(LostReason reason) {
    EXPECT_EQ(recorder_.lost, (std::map<LostReason, size_t>{{reason, 1}}));
    EXPECT_EQ(assembler_.open(), 0u);
    ExpectBalanced();
  }

  std::vector<uint8_t> data_;
  Recorder recorder_;
  AssemblerLimits limits_;
  TimePoint now_{seconds(1000)};
  Assembler assembler_{recorder_, limits_};
};

TEST_F(AssemblerTest, ARequestInOnePartIsPassedOnWhereItStands) {
  Take(Part(1, 0, 50, 50));
  ASSERT_EQ(recorder_.frames.size(), 1u);
  EXPECT_EQ(recorder_.frames[0].where, data_.data());
  EXPECT_EQ(recorder_.frames[0].draw, 77u);
  EXPECT_EQ(recorder_.frames[0].flow_id, 1u);
  EXPECT_EQ(assembler_.buffered_bytes(), 0u);
  ExpectBalanced();
}

TEST_F(AssemblerTest, PartsAreJoinedAndCarryTheTimeOfTheFirst) {
  Take(Part(1, 0, 16384, 40000));
  Take(Part(1, 16384, 16384, 40000));
  EXPECT_TRUE(recorder_.frames.empty());
  EXPECT_GE(assembler_.buffered_bytes(), 32768u);
  Take(Part(1, 32768, 7232, 40000));
  ASSERT_EQ(recorder_.frames.size(), 1u);
  EXPECT_EQ(recorder_.frames[0].bytes, std::vector<uint8_t>(data_.begin(), data_.begin() + 40000));
  EXPECT_EQ(recorder_.frames[0].time_ns, 1000u);
  EXPECT_EQ(recorder_.first_parts, 1u);
  ExpectBalanced();
}

TEST_F(AssemblerTest, FlowsDoNotMix) {
  Take(Part(1, 0, 10, 20));
  Take(Part(2, 0, 5, 20));
  Take(Part(1, 10, 10, 20));
  Take(Part(2, 5, 15, 20));
  ASSERT_EQ(recorder_.frames.size(), 2u);
  EXPECT_EQ(recorder_.frames[0].flow_id, 1u);
  EXPECT_EQ(recorder_.frames[0].bytes, recorder_.frames[1].bytes);
  ExpectBalanced();
}

TEST_F(AssemblerTest, ACutEndsTheOpenRequestForItsReason) {
  const std::pair<CutReason, LostReason> rows[] = {{CutReason::kGap, LostReason::kGap},
                                                   {CutReason::kRingFull, LostReason::kRingFull},
                                                   {CutReason::kFlowEnded, LostReason::kFlowEnded},
                                                   {CutReason::kNone, LostReason::kRingFull}};
  for (const auto& [cut, lost] : rows) {
    recorder_ = Recorder();
    Take(Part(1, 0, 10, 20));
    Cut(1, cut);
    ExpectLost(lost);
  }
}

TEST_F(AssemblerTest, ACutOfNothingIsIgnored) {
  Take(Part(2, 0, 10, 20));
  Cut(1, CutReason::kGap);
  EXPECT_EQ(assembler_.open(), 1u);
  EXPECT_EQ(recorder_.losses, 0u);
  ExpectBalanced();
}

TEST_F(AssemblerTest, TheNextFirstPartEndsTheOpenRequestForTheReasonItCarries) {
  const std::pair<CutReason, LostReason> rows[] = {{CutReason::kGap, LostReason::kGap},
                                                   {CutReason::kRingFull, LostReason::kRingFull},
                                                   {CutReason::kFlowEnded, LostReason::kFlowEnded},
                                                   {CutReason::kNone, LostReason::kRingFull}};
  for (const auto& [cut, lost] : rows) {
    recorder_ = Recorder();
    Take(Part(1, 0, 10, 20));
    CapturedPart next = Part(1, 0, 30, 30, 2);
    next.cut = cut;
    Take(next);
    EXPECT_EQ(recorder_.first_parts, 2u);
    EXPECT_EQ(recorder_.frames.size(), 1u);
    ExpectLost(lost);
  }
}

TEST_F(AssemblerTest, AHoleBetweenPartsDropsTheRequest) {
  Take(Part(1, 0, 10, 30));
  Take(Part(1, 20, 10, 30));
  ExpectLost(LostReason::kRingFull);
  Take(Part(1, 10, 10, 30));  // too late
  EXPECT_TRUE(recorder_.frames.empty());
}

TEST_F(AssemblerTest, APartThatComesTwiceDropsTheRequest) {
  Take(Part(1, 0, 10, 30));
  Take(Part(1, 10, 10, 30));
  Take(Part(1, 10, 10, 30));
  ExpectLost(LostReason::kRingFull);
}

TEST_F(AssemblerTest, APartOfAnotherRequestDropsTheOpenOne) {
  Take(Part(1, 0, 10, 30, 7));
  Take(Part(1, 10, 20, 30, 8));
  ExpectLost(LostReason::kRingFull);
  EXPECT_TRUE(recorder_.frames.empty());
}

TEST_F(AssemblerTest, ANextPartWithoutAFirstIsIgnored) {
  Take(Part(1, 10, 20, 30));
  EXPECT_EQ(recorder_.first_parts, 0u);
  EXPECT_EQ(assembler_.open(), 0u);
  ExpectBalanced();
}

TEST_F(AssemblerTest, MoreBytesThanAnnouncedDropTheRequest) {
  Take(Part(1, 0, 31, 30));
  ExpectLost(LostReason::kRingFull);
  recorder_ = Recorder();
  Take(Part(1, 0, 10, 30));
  Take(Part(1, 10, 21, 30));
  ExpectLost(LostReason::kRingFull);
}

TEST_F(AssemblerTest, APartThatDisagreesOnTheLengthDropsTheRequest) {
  Take(Part(1, 0, 10, 30));
  Take(Part(1, 10, 20, 31));
  ExpectLost(LostReason::kRingFull);
}

TEST_F(AssemblerTest, MemoryFollowsTheBytesThatCameNotTheAnnouncedLength) {
  for (uint64_t flow = 0; flow < 100; ++flow) {
    Take(Part(flow, 0, 10, UINT32_MAX));
  }
  EXPECT_EQ(assembler_.open(), 100u);
  EXPECT_LT(assembler_.buffered_bytes(), 100'000u);
  assembler_.Stop();
  ExpectBalanced();
}

TEST_F(AssemblerTest, TheRequestThatGrowsOverTheLimitIsDroppedAndTheOthersStay) {
  limits_.max_bytes = 50'000;
  Assembler assembler(recorder_, limits_);
  assembler.Take(Part(1, 0, 20'000, 60'000), now_);
  assembler.Take(Part(2, 0, 10'000, 20'000), now_);
  assembler.Take(Part(1, 20'000, 20'000, 60'000), now_);
  EXPECT_EQ(recorder_.lost, (std::map<LostReason, size_t>{{LostReason::kOverMemory, 1}}));
  assembler.Take(Part(2, 10'000, 10'000, 20'000), now_);
  EXPECT_EQ(recorder_.frames.size(), 1u);
  EXPECT_EQ(assembler.buffered_bytes(), 0u);
}

TEST_F(AssemblerTest, AFirstPartThatDoesNotFitIsDropped) {
  limits_.max_bytes = 10'000;
  Assembler assembler(recorder_, limits_);
  assembler.Take(Part(1, 0, 10'001, 20'000), now_);
  EXPECT_EQ(recorder_.lost, (std::map<LostReason, size_t>{{LostReason::kOverMemory, 1}}));
  EXPECT_EQ(recorder_.first_parts, 1u);
  EXPECT_EQ(assembler.buffered_bytes(), 0u);
  assembler.Take(Part(1, 0, 50'000, 50'000), now_);  // whole requests need no memory
  EXPECT_EQ(recorder_.frames.size(), 1u);
}

TEST_F(AssemblerTest, NearTheLimitARequestGrowsByWhatItNeedsOnly) {
  limits_.max_bytes = 16'000;
  Assembler assembler(recorder_, limits_);
  assembler.Take(Part(1, 0, 10'000, 60'000), now_);
  assembler.Take(Part(1, 10'000, 5'000, 60'000), now_);
  EXPECT_EQ(assembler.open(), 1u);
  EXPECT_LE(assembler.buffered_bytes(), limits_.max_bytes);
}

TEST_F(AssemblerTest, EvenAnEmptyFirstPartNeedsRoom) {
  limits_.max_bytes = 10;
  Assembler assembler(recorder_, limits_);
  assembler.Take(Part(1, 0, 0, 100), now_);
  EXPECT_EQ(assembler.open(), 0u);
  EXPECT_EQ(recorder_.lost[LostReason::kOverMemory], 1u);
}

TEST_F(AssemblerTest, ManyTinyRequestsReachTheLimitToo) {
  limits_.max_bytes = 100'000;
  Assembler assembler(recorder_, limits_);
  for (uint64_t flow = 0; flow < 10'000; ++flow) {
    assembler.Take(Part(flow, 0, 1, 100), now_);
    ASSERT_LE(assembler.buffered_bytes(), limits_.max_bytes);
  }
  EXPECT_LT(assembler.open(), 1000u);
  EXPECT_GT(recorder_.lost[LostReason::kOverMemory], 9000u);
}

TEST_F(AssemblerTest, ARequestExpiresByTheAgeOfItsLastPart) {
  Take(Part(1, 0, 10, 30));
  now_ += seconds(20);
  Take(Part(2, 0, 10, 30));
  Take(Part(1, 10, 10, 30));
  now_ += seconds(20);
  Take(Part(3, 0, 10, 30));
  assembler_.Expire(now_);
  EXPECT_EQ(recorder_.losses, 0u);
  Take(Part(2, 10, 10, 30));
  assembler_.Expire(now_ + seconds(10));  // 1 has waited for 30 seconds, 2 and 3 for 10
  EXPECT_EQ(recorder_.lost[LostReason::kExpired], 1u);
  Take(Part(1, 20, 10, 30));
  EXPECT_TRUE(recorder_.frames.empty());
  Take(Part(2, 20, 10, 30));
  Take(Part(3, 10, 20, 30));
  EXPECT_EQ(recorder_.frames.size(), 2u);
  ExpectBalanced();
}

TEST_F(AssemblerTest, AnOldRequestThatStillGetsPartsDoesNotKeepANewerOneFromExpiring) {
  Take(Part(1, 0, 10, 30));
  Take(Part(2, 0, 10, 30));
  now_ += seconds(20);
  Take(Part(1, 10, 10, 30));
  assembler_.Expire(now_ + seconds(10));
  EXPECT_EQ(assembler_.open(), 1u);
  Take(Part(1, 20, 10, 30));
  EXPECT_EQ(recorder_.frames.size(), 1u);
  ExpectBalanced();
}

TEST_F(AssemblerTest, StopEndsWhatIsOpenAndTheAssemblerGoesOn) {
  for (uint64_t flow = 0; flow < 10; ++flow) {
    Take(Part(flow, 0, 10, 30));
  }
  assembler_.Stop();
  EXPECT_EQ(recorder_.lost, (std::map<LostReason, size_t>{{LostReason::kStopped, 10}}));
  ExpectBalanced();
  Take(Part(1, 0, 30, 30));
  EXPECT_EQ(recorder_.frames.size(), 1u);
}

TEST_F(AssemblerTest, TheBooksAreUpToDateWhenTheObserverIsCalled) {
  struct Looker : AssemblerObserver {
    void OnFirstPart() override {}
    void OnFrame(const Frame&) override { open_then = assembler->open() + assembler->buffered_bytes(); }
    void OnLost(LostReason) override { open_then = assembler->open() + assembler->buffered_bytes(); }
    Assembler* assembler = nullptr;
    size_t open_then = 99;
  };
  Looker looker;
  Assembler assembler(looker, limits_);
  looker.assembler = &assembler;
  assembler.Take(Part(1, 0, 10, 20), now_);
  assembler.Take(Part(1, 10, 10, 20), now_);
  EXPECT_EQ(looker.open_then, 0u);
  looker.open_then = 99;
  assembler.Take(Part(1, 0, 10, 20), now_);
  assembler.Stop();
  EXPECT_EQ(looker.open_then, 0u);
}

}  // namespace
}  // namespace rpctee::stream
