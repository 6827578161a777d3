// Any records in any order for the reassembler and the assembler behind it: memory and flows stay in their limits, the
// books balance after each record, and what was framed is a frame.
//
// The input is a row of steps: one byte says which, one for which flow, then what the step needs.
#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <vector>

#include "fuzz/fuzz_check.h"
#include "fuzz/fuzz_input.h"
#include "protocol/framing.h"
#include "stream/assembler.h"
#include "stream/reassembler.h"
#include "support/dubbo_frames.h"
#include "support/thrift_frames.h"

namespace {

using rpctee::Bytes;
using rpctee::CapturedPart;
using rpctee::CapturedStream;
using rpctee::Content;
using rpctee::CutReason;
using rpctee::Flow;
using rpctee::SocketAddress;
using rpctee::TimePoint;
using rpctee::fuzz::Input;
using rpctee::fuzz::Require;
namespace protocol = rpctee::protocol;
namespace stream = rpctee::stream;
namespace test = rpctee::test;

constexpr size_t kFlows = 4;
// Sequence numbers wrap soon.
constexpr uint32_t kFirstSeq = 0xfffff000U;
// Tells a request that began in STREAM from one that began as a part of the tap's.
constexpr uint64_t kStreamTime = 2;

constexpr stream::ReassemblerLimits kLimits{
    .max_bytes = 20'000, .max_flows = 3, .max_request_bytes = 600, .max_join_bytes = 4'000};

class Books final : public stream::AssemblerObserver, public stream::ReassemblerObserver {
 public:
  uint64_t ThresholdOf(const SocketAddress&) override { return threshold; }
  void OnStreamRequest(stream::StreamRequest outcome) override {
    ++seen;
    sampled += outcome == stream::StreamRequest::kSampled ? 1 : 0;
  }
  void OnMended(const Flow&, uint64_t, uint32_t, Content content) override {
    Require(protocol::HeaderBytes(content) != 0, "the tap takes back what it can frame");
  }
  void OnGivenUp(const Flow&, uint64_t, uint32_t) override {}
  void OnTaken(const Flow&, uint64_t, uint32_t) override {}
  void OnIgnored(const Flow&, uint64_t, uint32_t, Content kind) override {
    Require(kind > Content::kThriftUnframed, "what can be mirrored is not ignored");
  }
  void OnFirstPart() override { ++first_parts; }
  void OnFrame(const stream::Frame& frame) override {
    ++frames;
    if (frame.time_ns != kStreamTime) {
      return;
    }
    Require(frame.bytes.size() <= kLimits.max_request_bytes, "no request is longer than the limit");
    if (frame.protocol != Content::kThriftUnframed) {
      const auto measure = protocol::MeasureFrame(frame.protocol, frame.bytes);
      Require(measure && measure->frame_bytes == frame.bytes.size(), "a frame has the length that it announces");
    }
  }
  void OnLost(stream::LostReason) override { ++lost; }

  uint64_t threshold = 0;
  uint64_t seen = 0;
  uint64_t sampled = 0;
  uint64_t first_parts = 0;  // also those of the tap
  uint64_t frames = 0;
  uint64_t lost = 0;
};

class Run {
 public:
  explicit Run(Input input) : input_(input) {
    books_.threshold = uint64_t{input_.U8()} << 25;
    next_.fill(kFirstSeq);
  }

  void Step() {
    const uint8_t step = input_.U8();
    flow_ = input_.U8() % kFlows;
    switch (step % 8) {
      case 0:
        return Begin();
      case 1:
        return Data(kFirstSeq + input_.U16(), input_.Some(input_.U16()));
      case 2:
        return InLine(input_.Some(input_.U16()));
      case 3:
        return InLine(Request(input_.U8()));
      case 4:
        return End();
      case 5:
        return Part();
      case 6:
        now_ += std::chrono::milliseconds(10 * input_.U8());
        return reassembler_.Expire(now_);
      default:
        return reassembler_.Finish(now_);
    }
  }

  void Check() {
    Require(reassembler_.used_bytes() <= kLimits.max_bytes, "memory stays in its limit");
    Require(reassembler_.flows() <= kLimits.max_flows, "flows stay in their limit");
    Require(books_.first_parts == books_.frames + books_.lost + assembler_.open(), "each first part ends once");
    Require(books_.sampled + tap_parts_ == books_.first_parts, "each sampled request has one first part");
  }
  void RunAll() {
    while (!input_.empty()) {
      Step();
      Check();
    }
    reassembler_.Finish(now_);
    Check();
    Require(reassembler_.flows() == 0 && reassembler_.used_bytes() == 0, "in the end nothing is held");
  }

 private:
  CapturedStream Record(CapturedStream::Kind kind, uint32_t seq) const {
    CapturedStream record;
    record.kind = kind;
    record.flow_id = flow_;
    record.time_ns = kStreamTime;
    record.seq = seq;
    return record;
  }
  void Begin() {
    const uint8_t how = input_.U8();
    CapturedStream record = Record(CapturedStream::Kind::kBegin, next_[flow_]);
    record.start = static_cast<CapturedStream::Start>(how % 3);
    record.protocol = static_cast<Content>(how / 3 % 5);
    record.copying = how >= 128;
    if (record.copying) {
      record.frame_left = input_.U16();
      record.frame_bytes = input_.U16();
      record.header_have = input_.U8();
    }
    reassembler_.Take(record, now_);
  }
  void Data(uint32_t seq, Bytes bytes) {
    CapturedStream record = Record(CapturedStream::Kind::kData, seq);
    record.bytes = bytes;
    record.holes = input_.U8();
    reassembler_.Take(record, now_);
  }
  void InLine(Bytes bytes) {
    Data(next_[flow_], bytes);
    next_[flow_] += static_cast<uint32_t>(bytes.size());
  }
  void End() { reassembler_.Take(Record(CapturedStream::Kind::kEnd, next_[flow_]), now_); }
  void Part() {
    const uint8_t how = input_.U8();
    CapturedPart part;
    part.flow_id = flow_;
    part.time_ns = 1;
    part.is_cut = how >= 128;
    part.cut = static_cast<CutReason>(how % 4);
    part.frame_bytes = input_.U16();
    part.offset = how % 8 < 4 ? 0 : input_.U16();
    part.bytes = input_.Some(input_.U16());
    tap_parts_ += !part.is_cut && part.offset == 0 ? 1 : 0;
    reassembler_.Take(part, now_);
  }
  std::vector<uint8_t> Request(uint8_t which) const {
    const std::vector<uint8_t> argument(which / 8, 'x');
    switch (which % 8) {
      case 0:
        return test::DubboHeartbeat(which);
      case 1:
        return test::DubboResponse(which);
      case 2:
        return test::ThriftFrame(test::ThriftBinary(which, "say", argument));
      case 3:
        return test::ThriftFrame(test::ThriftCompact(which, "say", argument));
      case 4:
        return test::ThriftBinary(which, "say", argument);
      case 5:
        return test::ThriftCompact(which, "say", argument);
      default:
        return test::DubboRequest(which, size_t{250} + 2 * which);
    }
  }

  Input input_;
  Books books_;
  stream::Assembler assembler_{books_, {.max_bytes = 10'000}};
  stream::Reassembler reassembler_{assembler_, books_, kLimits};
  TimePoint now_{std::chrono::seconds(1'000)};
  size_t flow_ = 0;
  std::array<uint32_t, kFlows> next_{};  // what follows on
  uint64_t tap_parts_ = 0;               // first parts of the tap
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Run(Input({data, size})).RunAll();
  return 0;
}
