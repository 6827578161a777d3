// A reassembler with a real assembler behind it, and everything that both say, kept for tests.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "stream/reassembler.h"
#include "support/dubbo_frames.h"
#include "support/packet_builder.h"

namespace rpctee::stream {

using test::ByteVector;
using Start = CapturedStream::Start;

class ReassemblerTest : public testing::Test, public AssemblerObserver, public ReassemblerObserver {
 protected:
  static constexpr uint64_t kAll = uint64_t{1} << 32;

  // The flow stands at a boundary, at sequence number `seq`, and the byte there is missing.
  void Begin(uint32_t seq, Start start = Start::kFrame, Content protocol = Content::kDubbo) {
    CapturedStream record = Record(CapturedStream::Kind::kBegin, seq);
    record.start = start;
    record.protocol = start == Start::kFrame ? protocol : Content::kUnknown;
    Take(record);
  }
  void Data(uint32_t seq, Bytes bytes, uint32_t holes = 1) {
    CapturedStream record = Record(CapturedStream::Kind::kData, seq);
    record.bytes = bytes;
    record.holes = holes;
    Take(record);
  }
  void End(uint32_t seq) { Take(Record(CapturedStream::Kind::kEnd, seq)); }
  void Take(const CapturedStream& record) { reassembler().Take(record, now_); }
  // A request that the tap framed, in one part.
  void Part(Bytes bytes, CutReason cut = CutReason::kNone) {
    CapturedPart part;
    part.flow_id = flow_id_;
    part.frame_bytes = static_cast<uint32_t>(bytes.size());
    part.cut = cut;
    part.bytes = bytes;
    reassembler().Take(part, now_);
  }
  void CutByTap(CutReason reason) {
    CapturedPart cut;
    cut.flow_id = flow_id_;
    cut.is_cut = true;
    cut.cut = reason;
    reassembler().Take(cut, now_);
  }
  void Wait(Duration time) {
    now_ += time;
    reassembler().Expire(now_);
  }
  // Long enough to mean something.
  void Silence() { Wait(limits_.max_quiet + std::chrono::milliseconds(1)); }
  CapturedStream Record(CapturedStream::Kind kind, uint32_t seq) const {
    CapturedStream record;
    record.kind = kind;
    record.protocol = Content::kDubbo;
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
  // As if nothing had been said yet.
  void Forget() {
    outcomes_.clear();
    mended_.clear();
    first_parts_ = 0;
    frames_.clear();
    lost_.clear();
    ignored_.clear();
  }
  void ExpectNothingHeld() {
    EXPECT_EQ(reassembler().flows(), 0U);
    EXPECT_EQ(reassembler().used_bytes(), 0U);
    EXPECT_EQ(assembler_.open(), 0U);
    EXPECT_EQ(first_parts_, frames_.size() + lost_.size());
  }

  uint64_t ThresholdOf(const SocketAddress&) override { return threshold_; }
  void OnStreamRequest(StreamRequest outcome) override { outcomes_.push_back(outcome); }
  void OnMended(const Flow&, uint64_t, uint32_t holes, Content protocol) override {
    mended_.push_back(holes);
    protocol_ = protocol;
  }
  void OnGivenUp(const Flow&, uint64_t, uint32_t holes) override {
    ++given_up_;
    told_holes_ = holes;
  }
  void OnTaken(const Flow&, uint64_t, uint32_t holes) override {
    ++taken_;
    told_holes_ = holes;
  }
  void OnIgnored(const Flow&, uint64_t, uint32_t holes, Content kind) override {
    ignored_.push_back(kind);
    told_holes_ = holes;
  }
  void OnFirstPart() override { ++first_parts_; }
  void OnFrame(const Frame& frame) override {
    frames_.emplace_back(frame.bytes.begin(), frame.bytes.end());
    frame_protocol_ = frame.protocol;
  }
  void OnLost(LostReason reason) override { lost_.push_back(reason); }

  const ByteVector a_ = test::DubboRequest(1, 300);
  const ByteVector b_ = test::DubboRequest(2, 400);
  uint64_t flow_id_ = 1;
  uint64_t threshold_ = kAll;
  TimePoint now_ = Clock::now();
  ReassemblerLimits limits_;
  Assembler assembler_{*this, {}};
  std::optional<Reassembler> reassembler_;
  std::vector<StreamRequest> outcomes_;
  std::vector<uint32_t> mended_;
  Content protocol_ = Content::kUnknown;  // of the latest OnMended
  size_t first_parts_ = 0;
  std::vector<ByteVector> frames_;
  Content frame_protocol_ = Content::kUnknown;  // of the latest frame
  std::vector<LostReason> lost_;
  std::vector<Content> ignored_;
  int given_up_ = 0;
  int taken_ = 0;
  uint32_t told_holes_ = 0;  // with the latest of these three
};

}  // namespace rpctee::stream
