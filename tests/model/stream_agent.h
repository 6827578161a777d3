// Stands where the agent's pipeline stands: takes records, tells the tap what to do with the flow, keeps what came out.
//
// One thread. Its time is the test's.
#pragma once

#include <utility>
#include <vector>

#include "base/clock.h"
#include "bpf/tap_program.h"
#include "stream/assembler.h"
#include "stream/reassembler.h"
#include "support/packet_builder.h"

namespace rpctee::test {

class StreamAgent final : public stream::AssemblerObserver, public stream::ReassemblerObserver {
 public:
  explicit StreamAgent(TapProgram& tap) : tap_(tap), assembler_(*this, {}), reassembler_(assembler_, *this, {}) {}

  // Takes what is in the ring. False when a record can't be read.
  bool Drain();
  // Time in which nothing is sent.
  void Wait(Duration time);

  // Requests that came out since the last call, in their order.
  std::vector<ByteVector> TakeFrames() { return std::exchange(frames_, {}); }
  // Requests that began here, by word of the tap or framed here; each comes out, is lost, or is still open.
  uint64_t first_parts() const { return first_parts_; }
  uint64_t framed_here() const { return framed_here_; }
  uint64_t came_out() const { return came_out_; }
  uint64_t lost() const { return lost_; }
  size_t open() const { return assembler_.open(); }
  size_t buffered_bytes() const { return reassembler_.buffered_bytes(); }
  size_t used_bytes() const { return reassembler_.used_bytes(); }

 private:
  uint64_t ThresholdOf(const SocketAddress&) override { return RPCTEE_THRESHOLD_ALL; }
  void OnStreamRequest(stream::StreamRequest) override { ++framed_here_; }
  void OnMended(const Flow& flow, uint64_t flow_id, uint32_t holes, Content protocol) override;
  void OnGivenUp(const Flow& flow, uint64_t flow_id, uint32_t holes) override;
  void OnTaken(const Flow& flow, uint64_t flow_id, uint32_t holes) override;
  void OnIgnored(const Flow& flow, uint64_t flow_id, uint32_t holes, Content kind) override;
  void OnFirstPart() override { ++first_parts_; }
  void OnFrame(const stream::Frame& frame) override;
  void OnLost(stream::LostReason) override { ++lost_; }

  TapProgram& tap_;
  TimePoint now_{};
  stream::Assembler assembler_;
  stream::Reassembler reassembler_;
  std::vector<ByteVector> frames_;
  uint64_t first_parts_ = 0;
  uint64_t framed_here_ = 0;
  uint64_t came_out_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace rpctee::test
