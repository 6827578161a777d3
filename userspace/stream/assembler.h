// Joins the parts that the tap captured into whole requests, within a fixed amount of memory.
//
// One worker thread. Owns the bytes of unfinished requests only: a request that came in one part is passed on where it
// stands, without a copy. Every first part ends in exactly one call: OnFrame, or OnLost with its reason.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>
#include <vector>

#include "base/capture.h"
#include "base/clock.h"
#include "stream/memory_budget.h"

namespace rpctee::stream {

struct Frame {
  Flow flow;
  uint64_t flow_id = 0;
  uint64_t time_ns = 0;  // when the first part was captured
  Content protocol = Content::kDubbo;
  uint32_t draw = 0;
  Bytes bytes;  // the whole request; valid until OnFrame returns
};

enum class LostReason : uint8_t { kGap, kRingFull, kFlowEnded, kExpired, kOverMemory, kStopped };

// Told when the assembler is done with the request: it is no longer in open() or buffered_bytes(). May not call Take,
// Expire or Stop.
class AssemblerObserver {
 public:
  virtual ~AssemblerObserver() = default;
  virtual void OnFirstPart() = 0;
  virtual void OnFrame(const Frame& frame) = 0;
  virtual void OnLost(LostReason reason) = 0;
};

struct AssemblerLimits {
  size_t max_bytes = size_t{64} << 20;          // of all unfinished requests together, bookkeeping included
  Duration max_age = std::chrono::seconds(30);  // without a new part
};

class Assembler {
 public:
  Assembler(AssemblerObserver& observer, AssemblerLimits limits) : observer_(observer), limits_(limits) {}

  // `now` is the worker's time and never goes back; parts of one flow come in order, but some may be lost.
  void Take(const CapturedPart& part, TimePoint now);
  // A first part that is not to be taken.
  void Refuse(LostReason reason);
  // Gives up requests that got no part for max_age. Costs nothing when there are none.
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
    size_t charged_bytes = 0;  // this one's part of buffered_bytes_
    std::list<uint64_t>::iterator age;
  };
  using PartialMap = std::unordered_map<uint64_t, Partial>;  // by flow id: a flow has one open request at most
  static constexpr size_t kPartialBytes = MapEntryBytes<PartialMap>() + ListEntryBytes<uint64_t>();

  void TakeFirst(const CapturedPart& part, TimePoint now);
  void TakeNext(PartialMap::iterator position, const CapturedPart& part, TimePoint now);
  bool Append(Partial& partial, Bytes bytes);
  bool Grow(Partial& partial, size_t needed);
  // Takes the request out of the books; what it held lives on in the result.
  PartialMap::node_type Release(PartialMap::iterator position);
  void Drop(PartialMap::iterator position, LostReason reason);

  AssemblerObserver& observer_;
  AssemblerLimits limits_;
  PartialMap partial_;
  std::list<uint64_t> by_age_;  // flow ids, the one that waits longest first
  size_t buffered_bytes_ = 0;
};

}  // namespace rpctee::stream
