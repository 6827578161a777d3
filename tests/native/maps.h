// The kernel's maps, as far as the tap program uses them: same results, same order of effects, one CPU.
//
// One thread. Keys and values are bytes of fixed length. As in the kernel, a value that was looked up may be used until
// the end of the run, even when its element is deleted or replaced meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/byte_reader.h"

namespace rpctee::test::native {

class RingMap;

class Map {
 public:
  virtual ~Map() = default;
  // The address of the element's value, or null. For a map of maps: the handle of the inner one.
  virtual void* Lookup(const void* key) = 0;
  // 0, or a negative errno.
  virtual int Update(const void* key, const void* value, uint64_t flags) = 0;
  virtual int Delete(const void* key) = 0;
  virtual size_t value_bytes() const = 0;
  // No element from before is used any more.
  virtual void EndRun() {}
  // As the program found it when it was loaded, if it is one that the program writes.
  virtual void Forget() {}
  // Whether it takes no new element: no ring a record, as if nobody read it, no table a key, as if there were no room.
  virtual void Refuse(bool) {}
  virtual RingMap* AsRing() { return nullptr; }
};

// ARRAY; PERCPU_ARRAY as the one CPU sees it, which is the program's own.
class ArrayMap final : public Map {
 public:
  ArrayMap(size_t entries, size_t value_bytes, bool is_per_cpu);
  void* Lookup(const void* key) override;
  int Update(const void* key, const void* value, uint64_t flags) override;
  int Delete(const void* key) override;
  size_t value_bytes() const override { return value_bytes_; }
  void Forget() override;

 private:
  size_t entries_;
  size_t value_bytes_;
  size_t words_;  // of one element
  bool is_per_cpu_;
  std::vector<uint64_t> values_;
};

// HASH, which refuses what does not fit, and LRU_HASH, which pushes out the element that was used least recently. The
// kernel's is approximate: it pushes out some that were not used lately. So no test may depend on which.
class HashMap final : public Map {
 public:
  HashMap(size_t entries, size_t key_bytes, size_t value_bytes, bool is_lru);
  void* Lookup(const void* key) override;
  int Update(const void* key, const void* value, uint64_t flags) override;
  int Delete(const void* key) override;
  size_t value_bytes() const override { return value_bytes_; }
  void EndRun() override { old_.clear(); }
  void Forget() override;
  void Refuse(bool refuses) override { refuses_ = refuses; }
  size_t size() const { return table_.size(); }

 private:
  struct Element {
    std::vector<uint64_t> value;
    std::list<std::string_view>::iterator age;
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Table = std::unordered_map<std::string, Element, Hash, std::equal_to<>>;

  std::string_view KeyOf(const void* key) const { return {static_cast<const char*>(key), key_bytes_}; }
  void Remove(Table::iterator element);

  size_t entries_;
  size_t key_bytes_;
  size_t value_bytes_;
  bool is_lru_;
  bool refuses_ = false;
  Table table_;
  std::list<std::string_view> by_age_;  // keys, the one that was used least recently first
  std::vector<Table::node_type> old_;   // deleted or replaced in this run
};

// RINGBUF, with the kernel's own bookkeeping, so that it is full at the same record.
class RingMap final : public Map {
 public:
  explicit RingMap(size_t bytes) : bytes_(bytes) {}
  void* Lookup(const void*) override { return nullptr; }
  int Update(const void*, const void*, uint64_t) override;
  int Delete(const void*) override;
  size_t value_bytes() const override { return 0; }
  RingMap* AsRing() override { return this; }
  void Forget() override;

  // Room for a record, or null.
  void* Reserve(size_t bytes);
  // What Reserve() gave is a record from here on, or nothing. False when it is not from here.
  bool Commit(const void* record, bool is_discarded);
  // Takes out every record up to the first that is not committed yet.
  void Drain(const std::function<void(Bytes)>& take);
  uint64_t Query(uint64_t what) const;
  void Refuse(bool refuses) override { refuses_ = refuses; }

  // The program knows a ring inside a map of maps by this.
  void* handle() { return &self_; }

 private:
  struct Record {
    std::vector<uint64_t> words;
    size_t bytes = 0;
    enum { kReserved, kCommitted, kDiscarded } state = kReserved;
  };

  Map* self_ = this;
  size_t bytes_;
  bool refuses_ = false;
  uint64_t producer_ = 0;  // positions, as the kernel counts them: a header of 8 bytes and padding with each record
  uint64_t consumer_ = 0;
  std::deque<Record> records_;
};

// ARRAY_OF_MAPS, every slot with a ring of its own.
class ArrayOfRings final : public Map {
 public:
  ArrayOfRings(size_t entries, size_t ring_bytes);
  void* Lookup(const void* key) override;
  int Update(const void*, const void*, uint64_t) override;
  int Delete(const void*) override;
  size_t value_bytes() const override { return sizeof(uint32_t); }
  void Forget() override;
  const std::vector<std::unique_ptr<RingMap>>& rings() const { return rings_; }

 private:
  std::vector<std::unique_ptr<RingMap>> rings_;
};

}  // namespace rpctee::test::native
