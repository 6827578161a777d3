#include "support/counted_heap.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

// In front of each piece of memory, in glibc.
constexpr size_t kChunkHeaderBytes = sizeof(size_t);

std::atomic<size_t> live_bytes{0};
thread_local size_t allocations = 0;

size_t BytesOf(void* memory) { return malloc_usable_size(memory) + kChunkHeaderBytes; }

}  // namespace

// Not inlined: gcc 12 would see free() called on what it knows to come from new, and warn.
// NOLINTBEGIN(misc-new-delete-overloads)
[[gnu::noinline]] void* operator new(size_t size) {
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  ++allocations;
  live_bytes += BytesOf(memory);
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  live_bytes -= memory == nullptr ? 0 : BytesOf(memory);
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { operator delete(memory); }
// NOLINTEND(misc-new-delete-overloads)

namespace rpctee::test {

size_t LiveHeapBytes() { return live_bytes; }
size_t HeapAllocations() { return allocations; }

}  // namespace rpctee::test
