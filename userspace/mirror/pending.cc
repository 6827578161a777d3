#include "mirror/pending.h"

#include <algorithm>
#include <bit>

namespace rpctee::mirror {

static_assert(sizeof(PendingCopy) == 56);

Pending::Pending(uint32_t limit, unsigned id_bits)
    : limit_(std::clamp<uint32_t>(limit, 1, kMaxSlots)),
      slot_bits_(static_cast<unsigned>(std::bit_width(limit_ - 1))),
      last_count_(static_cast<uint32_t>(std::min<uint64_t>((uint64_t{1} << (id_bits - slot_bits_)) - 1, UINT32_MAX))) {}

uint32_t Pending::TakeFreeSlot() {
  if (free_ == kNone) {
    slots_.emplace_back();
    return static_cast<uint32_t>(slots_.size() - 1);
  }
  const uint32_t slot = free_;
  free_ = slots_[slot].next_;
  return slot;
}

PendingCopy& Pending::Add() {
  const uint32_t slot = TakeFreeSlot();
  counter_ = counter_ == last_count_ ? 1 : counter_ + 1;
  PendingCopy& added = slots_[slot];
  added = PendingCopy();
  added.id = (uint64_t{counter_} << slot_bits_) | slot;
  added.previous_ = newest_;
  added.next_ = kNone;
  (newest_ == kNone ? oldest_ : slots_[newest_].next_) = slot;
  newest_ = slot;
  if (unsent_ == kNone) {
    unsent_ = slot;
  }
  ++size_;
  return added;
}

const PendingCopy* Pending::FindSent(uint64_t id) const {
  const uint32_t slot = SlotOf(id);
  const bool found = id != 0 && slot < slots_.size() && slots_[slot].id == id && slots_[slot].sent;
  return found ? &slots_[slot] : nullptr;
}

void Pending::MarkOldestUnsentSent(TimePoint now) {
  slots_[unsent_].sent = true;
  slots_[unsent_].sent_at = now;
  unsent_ = slots_[unsent_].next_;
}

void Pending::Remove(const PendingCopy& copy) {
  const uint32_t slot = SlotOf(copy.id);
  PendingCopy& removed = slots_[slot];
  if (unsent_ == slot) {
    unsent_ = removed.next_;
  }
  (removed.previous_ == kNone ? oldest_ : slots_[removed.previous_].next_) = removed.next_;
  (removed.next_ == kNone ? newest_ : slots_[removed.next_].previous_) = removed.previous_;
  removed.id = 0;
  removed.next_ = free_;
  free_ = slot;
  --size_;
}

}  // namespace rpctee::mirror
