#include "mirror/pending.h"

#include <algorithm>

namespace rpctee::mirror {

static_assert(sizeof(PendingCopy) == 48);

Pending::Pending(uint32_t limit) : limit_(std::clamp<uint32_t>(limit, 1, kMaxSlots)) {}

uint32_t Pending::TakeFreeSlot() {
  if (free_ == kNone) {
    slots_.emplace_back();
    return static_cast<uint32_t>(slots_.size() - 1);
  }
  const uint32_t slot = free_;
  free_ = slots_[slot].next_;
  return slot;
}

uint64_t Pending::Add(const PendingCopy& copy) {
  const uint32_t slot = TakeFreeSlot();
  counter_ = counter_ == UINT32_MAX ? 1 : counter_ + 1;
  PendingCopy& added = slots_[slot];
  added = copy;
  added.id = (uint64_t{counter_} << kSlotBits) | slot;
  added.sent = false;
  added.previous_ = newest_;
  added.next_ = kNone;
  (newest_ == kNone ? oldest_ : slots_[newest_].next_) = slot;
  newest_ = slot;
  if (unsent_ == kNone) {
    unsent_ = slot;
  }
  ++size_;
  return added.id;
}

const PendingCopy* Pending::FindSent(uint64_t id) const {
  const uint32_t slot = SlotOf(id);
  const bool found = id != 0 && slot < slots_.size() && slots_[slot].id == id && slots_[slot].sent;
  return found ? &slots_[slot] : nullptr;
}

void Pending::MarkOldestUnsentSent() {
  slots_[unsent_].sent = true;
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
