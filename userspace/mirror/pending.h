// The copies of one connection that have not ended, found by request id and kept in the order of Send.
//
// One thread. A table of slots: the id that goes onto the wire holds the slot, so nothing is hashed, and a copy that is
// never answered costs its own slot only. Memory: at most `limit` slots of 48 bytes, kept for reuse.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace rpctee::mirror {

struct PendingCopy {
  uint64_t id = 0;          // as on the wire; 0 = free slot
  uint64_t end_offset = 0;  // how many bytes had been appended to the connection's buffer with the copy's last one
  TimePoint deadline;
  uint32_t rule = 0;
  uint32_t bytes = 0;
  bool oneway = false;
  bool sent = false;

 private:
  friend class Pending;
  uint32_t previous_ = 0;
  uint32_t next_ = 0;
};

class Pending {
 public:
  // Ids have 20 bits for the slot and 32 for a counter, and so stay below 2^53, which even a JavaScript server keeps.
  static constexpr uint32_t kSlotBits = 20;
  static constexpr uint32_t kMaxSlots = uint32_t{1} << kSlotBits;

  explicit Pending(uint32_t limit);

  size_t size() const { return size_; }
  bool full() const { return size_ >= limit_; }

  // Not when full. Returns the id: ascending, never 0, different from every id that is still in the table (and from
  // the 2^32 copies before). Deadlines must not descend. Pointers that were handed out become invalid.
  uint64_t Add(const PendingCopy& copy);

  // Null when there is none.
  const PendingCopy* Oldest() const { return At(oldest_); }
  const PendingCopy* OldestUnsent() const { return At(unsent_); }
  // Only a copy that was sent can be answered.
  const PendingCopy* FindSent(uint64_t id) const;

  void MarkOldestUnsentSent();
  void Remove(const PendingCopy& copy);

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  const PendingCopy* At(uint32_t slot) const { return slot == kNone ? nullptr : &slots_[slot]; }
  static uint32_t SlotOf(uint64_t id) { return static_cast<uint32_t>(id) & (kMaxSlots - 1); }
  uint32_t TakeFreeSlot();

  uint32_t limit_;
  uint32_t size_ = 0;
  uint32_t counter_ = 0;
  std::vector<PendingCopy> slots_;
  uint32_t free_ = kNone;    // list through `next_`
  uint32_t oldest_ = kNone;  // list in the order of Add
  uint32_t newest_ = kNone;
  uint32_t unsent_ = kNone;  // where its unsent end starts
};

}  // namespace rpctee::mirror
