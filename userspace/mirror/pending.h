// The copies of one connection that have not ended, found by request id and kept in the order of Send.
//
// One thread. A table of slots: the id that goes onto the wire holds the slot, so nothing is hashed, and a copy that is
// never answered costs its own slot only. Memory: at most `limit` slots of 56 bytes, kept for reuse.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"

namespace rpctee::mirror {

struct PendingCopy {
  uint64_t id = 0;          // as on the wire; 0 = free slot
  uint64_t end_offset = 0;  // how many bytes had been appended to the connection's buffer with the copy's last one
  TimePoint deadline;
  TimePoint sent_at;  // once sent
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
  static constexpr uint32_t kMaxSlots = uint32_t{1} << 20;
  // Ids that even a JavaScript server keeps.
  static constexpr unsigned kMaxIdBits = 52;

  // Ids of at most `id_bits` bits, from 21 to kMaxIdBits: as many for the slot as the limit asks for, the others count.
  explicit Pending(uint32_t limit, unsigned id_bits = kMaxIdBits);

  size_t size() const { return size_; }
  bool full() const { return size_ >= limit_; }

  // Not when full. The new copy has its id, and the caller fills in the rest. The id is never 0, different from
  // every id that is still in the table and from those of as many copies before as the counter goes to (2^32 at most;
  // 2^17 for ids of 31 bits and 10,000 slots). Ascending until the counter begins again. Deadlines must not descend.
  // Pointers that were handed out become invalid.
  PendingCopy& Add();

  // Null when there is none.
  const PendingCopy* Oldest() const { return At(oldest_); }
  const PendingCopy* OldestUnsent() const { return At(unsent_); }
  // Of those that wait for an answer in the order of the requests.
  const PendingCopy* OldestSent() const { return oldest_ != unsent_ ? At(oldest_) : nullptr; }
  // Only a copy that was sent can be answered.
  const PendingCopy* FindSent(uint64_t id) const;

  void MarkOldestUnsentSent(TimePoint now);
  void Remove(const PendingCopy& copy);

 private:
  static constexpr uint32_t kNone = UINT32_MAX;

  const PendingCopy* At(uint32_t slot) const { return slot == kNone ? nullptr : &slots_[slot]; }
  uint32_t SlotOf(uint64_t id) const { return static_cast<uint32_t>(id & ((uint64_t{1} << slot_bits_) - 1)); }
  uint32_t TakeFreeSlot();

  uint32_t limit_;
  unsigned slot_bits_;
  uint32_t last_count_;
  uint32_t size_ = 0;
  uint32_t counter_ = 0;
  std::vector<PendingCopy> slots_;
  uint32_t free_ = kNone;    // list through `next_`
  uint32_t oldest_ = kNone;  // list in the order of Add
  uint32_t newest_ = kNone;
  uint32_t unsent_ = kNone;  // where its unsent end starts
};

}  // namespace rpctee::mirror
