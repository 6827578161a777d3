// Joins the parts that the tap captured into whole requests, within a fixed amount of memory.
//
// One worker thread. Owns the bytes of unfinished requests only: a request that came in one part is passed on where it
// stands, without a copy. Every first part ends in exactly one call: OnFrame, or OnLost with its reason.
#pragma once

#include <cstdint>
#include <functional>
#include <unordered_map>
#include <vector>

#include "base/capture.h"
#include "base/clock.h"

namespace rpctee::stream {

struct Frame {
  Flow flow;
  uint64_t flow_id = 0;
  uint64_t time_ns = 0;  // when the first part was captured
  uint32_t draw = 0;
  Bytes bytes;  // the whole request; valid until OnFrame returns
};

enum class LostReason : uint8_t { kGap, kRingFull, kFlowEnded, kExpired, kOverMemory, kStopped };

class AssemblerObserver {
 public:
  virtual ~AssemblerObserver() = default;
  virtual void OnFirstPart() = 0;
  virtual void OnFrame(const Frame& frame) = 0;
  virtual void OnLost(LostReason reason) = 0;
};

struct AssemblerLimits {
  size_t max_bytes = size_t{64} << 20;          // of all unfinished requests together
  Duration max_age = std::chrono::seconds(30);  // without a new part
};

class Assembler {
 public:
  Assembler(AssemblerObserver& observer, AssemblerLimits limits) : observer_(observer), limits_(limits) {}

  // `now` is the worker's time; parts of one flow come in order.
  void Take(const CapturedPart& part, TimePoint now);
  // Gives up requests that got no part since max_age. Cheap when there are none.
  void Expire(TimePoint now);
  // Gives up everything that is open.
  void Stop();

  size_t open() const { return partial_.size(); }
  size_t buffered_bytes() const { return buffered_bytes_; }

 private:
  struct Partial {
    Frame frame;
    uint32_t request = 0;
    uint32_t frame_bytes = 0;
    TimePoint last_part;
    std::vector<uint8_t> bytes;
    size_t charged_bytes = 0;
  };
  using PartialMap = std::unordered_map<uint64_t, Partial>;  // by flow id: a flow has one open request at most

  void TakeFirst(const CapturedPart& part, TimePoint now);
  void TakeNext(Partial& partial, const CapturedPart& part, TimePoint now);
  void Drop(PartialMap::iterator position, LostReason reason);

  AssemblerObserver& observer_;
  AssemblerLimits limits_;
  PartialMap partial_;
  size_t buffered_bytes_ = 0;
  TimePoint next_expiry_{};
};

}  // namespace rpctee::stream
