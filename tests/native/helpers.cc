// The kernel's helpers, as the tap program calls them. Their results are those of net/core/filter.c and kernel/bpf.
#include "native/helpers.h"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "native/machine.h"

using rpctee::Bytes;
using rpctee::test::native::Machine;
using rpctee::test::native::Map;
using rpctee::test::native::Packet;
using rpctee::test::native::RingMap;

namespace {

// bpf_loop takes no more (BPF_MAX_LOOPS).
constexpr uint32_t kMaxLoops = 8 << 20;

Map& MapOf(void* object) {
  Machine::Running();
  Map* const map = *static_cast<Map**>(object);
  if (map == nullptr) {
    std::fputs("the program uses a map that is not in the BPF object\n", stderr);
    std::abort();
  }
  return *map;
}

RingMap& RingOf(void* object) {
  RingMap* const ring = MapOf(object).AsRing();
  if (ring == nullptr) {
    std::fputs("the program uses a map as a ring that is none\n", stderr);
    std::abort();
  }
  return *ring;
}

void Commit(void* record, bool is_discarded) {
  for (RingMap* const ring : Machine::Running().rings()) {
    if (ring->Commit(record, is_discarded)) {
      return;
    }
  }
  std::fputs("the program submits a record that it did not reserve\n", stderr);
  std::abort();
}

}  // namespace

extern "C" {

void* native_map_lookup_elem(void* map, const void* key) { return MapOf(map).Lookup(key); }

long native_map_update_elem(void* map, const void* key, const void* value, __u64 flags) {
  return MapOf(map).Update(key, value, flags);
}

long native_map_delete_elem(void* map, const void* key) { return MapOf(map).Delete(key); }

// What can't be read reads as zeros, as in the kernel.
long native_skb_load_bytes(const void* skb, __u32 offset, void* to, __u32 bytes) {
  Machine::Running();
  const Bytes packet = static_cast<const Packet*>(skb)->bytes;
  if (offset > INT_MAX || offset > packet.size() || bytes > packet.size() - offset) {
    std::memset(to, 0, bytes);
    return -EFAULT;
  }
  std::memcpy(to, packet.data() + offset, bytes);
  return 0;
}

__u64 native_ktime_get_ns() { return Machine::Running().time_ns(); }
// A hundred in a second, as in a kernel with CONFIG_HZ=100.
__u64 native_jiffies64() { return Machine::Running().time_ns() / 10'000'000; }
__u32 native_get_prandom_u32() { return Machine::Running().Draw(); }
__u32 native_get_smp_processor_id() { return 0; }

long native_loop(__u32 steps, void* step, void* context, __u64 flags) {
  if (flags != 0) {
    return -EINVAL;
  }
  if (steps > kMaxLoops) {
    return -E2BIG;
  }
  auto* const call = reinterpret_cast<long (*)(__u32, void*)>(step);
  for (__u32 i = 0; i < steps; ++i) {
    Machine::Running();
    if (call(i, context) != 0) {
      return i + 1;
    }
  }
  return steps;
}

// There is one CPU. A lock that is taken twice, or not given back, is a fault of the program.
long native_spin_lock(bpf_spin_lock* lock) {
  Machine::Running();
  if (lock->val != 0) {
    std::fputs("the program takes a lock that it holds\n", stderr);
    std::abort();
  }
  lock->val = 1;
  return 0;
}

long native_spin_unlock(bpf_spin_lock* lock) {
  lock->val = 0;
  return 0;
}

long native_ringbuf_output(void* ring, void* data, __u64 bytes, __u64) {
  RingMap& records = RingOf(ring);
  void* const record = records.Reserve(bytes);
  if (record == nullptr) {
    return -EAGAIN;
  }
  std::memcpy(record, data, bytes);
  records.Commit(record, false);
  return 0;
}

void* native_ringbuf_reserve(void* ring, __u64 bytes, __u64) { return RingOf(ring).Reserve(bytes); }
void native_ringbuf_submit(void* data, __u64) { Commit(data, false); }
void native_ringbuf_discard(void* data, __u64) { Commit(data, true); }
__u64 native_ringbuf_query(void* ring, __u64 flags) { return RingOf(ring).Query(flags); }

}  // extern "C"
