// Random traffic through a model of the tap's ring, in which any record may be lost, against the assembler.
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>
#include <vector>

#include "stream/assembler.h"
#include "unit/stream/recorder.h"

namespace rpctee::stream {
namespace {

constexpr uint64_t kFlows = 12;

// The bytes of a request follow from its draw, which is unique here; so a frame can be checked by itself.
uint8_t ByteAt(uint32_t draw, size_t position) {
  return static_cast<uint8_t>((draw * 2654435761u + position * 40503u) >> 7);
}

// Does what the program in the kernel does with the requests of one flow, records lost included.
struct FlowModel {
  uint32_t request = 0;
  uint32_t draw = 0;
  uint32_t frame_bytes = 0;
  uint32_t sent = 0;
  bool copying = false;  // a request is between its first and its last part
  bool intact = false;   // and none of its records was lost
  CutReason pending = CutReason::kNone;
};

class ModelTest : public testing::TestWithParam<uint32_t> {
 protected:
  ModelTest() : random_(GetParam()) {}

  uint32_t Pick(uint32_t from, uint32_t to) { return std::uniform_int_distribution<uint32_t>(from, to)(random_); }
  bool Chance(uint32_t percent) { return Pick(1, 100) <= percent; }

  // False when the record found no room in the ring.
  bool Emit(uint64_t flow_id, const FlowModel& flow, uint32_t offset, uint32_t size) {
    if (Chance(loss_percent_)) {
      return false;
    }
    CapturedPart part;
    part.flow_id = flow_id;
    part.time_ns = flow.draw;
    part.request = flow.request;
    part.draw = flow.draw;
    part.frame_bytes = flow.frame_bytes;
    part.offset = offset;
    part.cut = offset == 0 ? flow.pending : CutReason::kNone;
    std::vector<uint8_t> bytes(size);
    for (uint32_t i = 0; i < size; ++i) {
      bytes[i] = ByteAt(flow.draw, offset + i);
    }
    part.bytes = bytes;
    first_parts_ += offset == 0 ? 1 : 0;
    assembler_->Take(part, now_);
    return true;
  }

  void StartRequest(uint64_t flow_id, FlowModel& flow) {
    ++flow.request;
    flow.draw = ++last_draw_;
    flow.frame_bytes = Chance(50) ? Pick(16, 200) : Pick(200, 5000);
    flow.sent = Chance(60) ? flow.frame_bytes : Pick(1, flow.frame_bytes);
    if (!Emit(flow_id, flow, 0, flow.sent)) {
      return;  // the kernel counts it: the agent never hears of it
    }
    flow.pending = CutReason::kNone;
    flow.copying = flow.sent < flow.frame_bytes;
    flow.intact = true;
    if (!flow.copying) {
      ++whole_;
    }
  }

  void Continue(uint64_t flow_id, FlowModel& flow) {
    const uint32_t size = Pick(1, flow.frame_bytes - flow.sent);
    if (!Emit(flow_id, flow, flow.sent, size)) {
      // In half of the cases the tap goes on as if nothing had happened: the assembler has to notice by itself.
      flow.intact = false;
      if (Chance(50)) {
        Cut(flow_id, flow, CutReason::kRingFull);
        return;
      }
    }
    flow.sent += size;
    if (flow.sent == flow.frame_bytes) {
      flow.copying = false;
      whole_ += flow.intact ? 1 : 0;
    }
  }

  void Cut(uint64_t flow_id, FlowModel& flow, CutReason reason) {
    flow.copying = false;
    if (Chance(loss_percent_)) {
      flow.pending = reason;
      return;
    }
    CapturedPart part;
    part.flow_id = flow_id;
    part.request = flow.request;
    part.is_cut = true;
    part.cut = reason;
    assembler_->Take(part, now_);
  }

  void Step() {
    now_ += std::chrono::milliseconds(Pick(0, 20));
    const uint64_t flow_id = Pick(1, kFlows);
    FlowModel& flow = flows_[flow_id];
    if (!flow.copying) {
      StartRequest(flow_id, flow);
    } else if (Chance(85)) {
      Continue(flow_id, flow);
    } else {
      Cut(flow_id, flow, Chance(50) ? CutReason::kGap : CutReason::kFlowEnded);
    }
    if (Chance(5)) {
      assembler_->Expire(now_);
    }
  }

  void Check() {
    ASSERT_EQ(recorder_.first_parts, first_parts_);
    ASSERT_EQ(recorder_.first_parts, recorder_.frames.size() + recorder_.losses + assembler_->open());
    ASSERT_LE(assembler_->open(), kFlows);
    ASSERT_LE(assembler_->buffered_bytes(), limits_.max_bytes);
  }

  void CheckFrames() {
    for (const Recorder::Copy& frame : recorder_.frames) {
      ASSERT_EQ(frame.time_ns, frame.draw);
      for (size_t i = 0; i < frame.bytes.size(); ++i) {
        ASSERT_EQ(frame.bytes[i], ByteAt(frame.draw, i)) << "request " << frame.draw << " byte " << i;
      }
    }
  }

  void Run(int steps) {
    assembler_ = std::make_unique<Assembler>(recorder_, limits_);
    for (int i = 0; i < steps; ++i) {
      Step();
      Check();
      if (HasFatalFailure()) {
        return;
      }
    }
    CheckFrames();
    assembler_->Stop();
    EXPECT_EQ(assembler_->buffered_bytes(), 0u);
    EXPECT_EQ(assembler_->open(), 0u);
    EXPECT_EQ(recorder_.first_parts, recorder_.frames.size() + recorder_.losses);
  }

  std::mt19937 random_;
  uint32_t loss_percent_ = 0;
  AssemblerLimits limits_;
  Recorder recorder_;
  std::unique_ptr<Assembler> assembler_;
  TimePoint now_{std::chrono::seconds(1)};
  std::map<uint64_t, FlowModel> flows_;
  uint32_t last_draw_ = 0;
  uint64_t first_parts_ = 0;
  uint64_t whole_ = 0;  // requests of which every record reached the assembler
};

TEST_P(ModelTest, WithoutLossesEveryRequestThatIsNotCutArrives) {
  Run(4000);
  EXPECT_EQ(recorder_.frames.size(), whole_);
  EXPECT_EQ(recorder_.lost[LostReason::kRingFull], 0u);
}

TEST_P(ModelTest, LostRecordsLoseTheirRequestsAndNoOthers) {
  loss_percent_ = 15;
  Run(4000);
  EXPECT_EQ(recorder_.frames.size(), whole_);
  EXPECT_GT(recorder_.lost[LostReason::kRingFull], 0u);
  EXPECT_GT(recorder_.lost[LostReason::kGap], 0u);
}

TEST_P(ModelTest, LittleMemoryAndAShortAgeLoseRequestsByNameAndKeepTheBooks) {
  loss_percent_ = 5;
  limits_.max_bytes = 6000;
  limits_.max_age = std::chrono::milliseconds(400);
  Run(4000);
  EXPECT_LE(recorder_.frames.size(), whole_);
  EXPECT_GT(recorder_.lost[LostReason::kOverMemory], 0u);
  EXPECT_GT(recorder_.lost[LostReason::kExpired], 0u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, ModelTest, testing::Range(uint32_t{1}, uint32_t{21}));

}  // namespace
}  // namespace rpctee::stream
