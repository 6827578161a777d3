#include "native/maps.h"

#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace rpctee::test::native {
namespace {

constexpr size_t kRingHeaderBytes = 8;

size_t Words(size_t bytes) { return (bytes + 7) / 8; }

uint32_t IndexOf(const void* key) {
  uint32_t index = 0;
  std::memcpy(&index, key, sizeof(index));
  return index;
}

}  // namespace

ArrayMap::ArrayMap(size_t entries, size_t value_bytes, bool is_per_cpu)
    : entries_(entries),
      value_bytes_(value_bytes),
      words_(Words(value_bytes)),
      is_per_cpu_(is_per_cpu),
      values_(entries * words_) {}

void* ArrayMap::Lookup(const void* key) {
  const uint32_t index = IndexOf(key);
  return index < entries_ ? values_.data() + index * words_ : nullptr;
}

int ArrayMap::Update(const void* key, const void* value, uint64_t flags) {
  void* const element = Lookup(key);
  if (element == nullptr) {
    return -E2BIG;
  }
  if ((flags & BPF_NOEXIST) != 0) {
    return -EEXIST;
  }
  std::memcpy(element, value, value_bytes_);
  return 0;
}

int ArrayMap::Delete(const void*) { return -EINVAL; }

void ArrayMap::Forget() {
  if (is_per_cpu_) {
    std::fill(values_.begin(), values_.end(), 0);
  }
}

HashMap::HashMap(size_t entries, size_t key_bytes, size_t value_bytes, bool is_lru)
    : entries_(entries), key_bytes_(key_bytes), value_bytes_(value_bytes), is_lru_(is_lru) {}

void* HashMap::Lookup(const void* key) {
  const auto found = table_.find(KeyOf(key));
  if (found == table_.end()) {
    return nullptr;
  }
  by_age_.splice(by_age_.end(), by_age_, found->second.age);
  return found->second.value.data();
}

int HashMap::Update(const void* key, const void* value, uint64_t flags) {
  const auto found = table_.find(KeyOf(key));
  if (found != table_.end() && (flags & BPF_NOEXIST) != 0) {
    return -EEXIST;
  }
  if (found == table_.end() && (flags & BPF_EXIST) != 0) {
    return -ENOENT;
  }
  if (found != table_.end()) {
    // The kernel puts a new element in place of the old one: who holds the old one does not see the new value.
    Remove(found);
  } else if (refuses_) {
    return -ENOMEM;
  } else if (table_.size() >= entries_) {
    if (!is_lru_) {
      return -E2BIG;
    }
    Remove(table_.find(by_age_.front()));
  }
  const auto added = table_.try_emplace(std::string(KeyOf(key))).first;
  added->second.value.resize(Words(value_bytes_));
  std::memcpy(added->second.value.data(), value, value_bytes_);
  added->second.age = by_age_.insert(by_age_.end(), added->first);
  return 0;
}

int HashMap::Delete(const void* key) {
  const auto found = table_.find(KeyOf(key));
  if (found == table_.end()) {
    return -ENOENT;
  }
  Remove(found);
  return 0;
}

void HashMap::Remove(Table::iterator element) {
  by_age_.erase(element->second.age);
  old_.push_back(table_.extract(element));
}

void HashMap::Forget() {
  if (is_lru_) {
    table_.clear();
    by_age_.clear();
  }
}

int RingMap::Update(const void*, const void*, uint64_t) { return -EINVAL; }
int RingMap::Delete(const void*) { return -EINVAL; }

void* RingMap::Reserve(size_t bytes) {
  const size_t needed = Words(bytes + kRingHeaderBytes) * 8;
  if (refuses_ || producer_ + needed - consumer_ > bytes_ - 1) {
    return nullptr;
  }
  producer_ += needed;
  Record& record = records_.emplace_back();
  record.words.resize(Words(bytes) + 1);  // never nothing, so that its address is its own
  record.bytes = bytes;
  return record.words.data();
}

bool RingMap::Commit(const void* record, bool is_discarded) {
  for (auto reserved = records_.rbegin(); reserved != records_.rend(); ++reserved) {
    if (reserved->words.data() == record) {
      reserved->state = is_discarded ? Record::kDiscarded : Record::kCommitted;
      return true;
    }
  }
  return false;
}

void RingMap::Drain(const std::function<void(Bytes)>& take) {
  while (!records_.empty() && records_.front().state != Record::kReserved) {
    const Record record = std::move(records_.front());
    records_.pop_front();
    consumer_ += Words(record.bytes + kRingHeaderBytes) * 8;
    if (record.state == Record::kCommitted) {
      take(Bytes(reinterpret_cast<const uint8_t*>(record.words.data()), record.bytes));
    }
  }
}

uint64_t RingMap::Query(uint64_t what) const {
  switch (what) {
    case BPF_RB_AVAIL_DATA:
      return producer_ - consumer_;
    case BPF_RB_RING_SIZE:
      return bytes_;
    case BPF_RB_CONS_POS:
      return consumer_;
    case BPF_RB_PROD_POS:
      return producer_;
    default:
      return 0;
  }
}

// Positions stay, as the kernel's do: they only ever grow.
void RingMap::Forget() {
  records_.clear();
  consumer_ = producer_;
}

ArrayOfRings::ArrayOfRings(size_t entries, size_t ring_bytes) {
  for (size_t i = 0; i < entries; ++i) {
    rings_.push_back(std::make_unique<RingMap>(ring_bytes));
  }
}

void* ArrayOfRings::Lookup(const void* key) {
  const uint32_t index = IndexOf(key);
  return index < rings_.size() ? rings_[index]->handle() : nullptr;
}

int ArrayOfRings::Update(const void*, const void*, uint64_t) { return -EINVAL; }
int ArrayOfRings::Delete(const void*) { return -EINVAL; }

void ArrayOfRings::Forget() {
  for (const auto& ring : rings_) {
    ring->Forget();
  }
}

}  // namespace rpctee::test::native
