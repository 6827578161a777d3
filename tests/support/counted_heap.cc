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
thread_local size_t bytes_asked_for = 0;

size_t BytesOf(void* memory) { return malloc_usable_size(memory) + kChunkHeaderBytes; }

void* Counted(void* memory, size_t size) {
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  ++allocations;
  bytes_asked_for += size;
  live_bytes += BytesOf(memory);
  return memory;
}

}  // namespace

// All forms: the library's own for arrays and without exceptions come to the plain ones, but a sanitizer's do not.
// Not inlined: gcc 12 would see free() called on what it knows to come from new, and warn.
// NOLINTBEGIN(misc-new-delete-overloads)
using Alignment = std::align_val_t;
using NoThrow = const std::nothrow_t&;

[[gnu::noinline]] void* operator new(size_t size) { return Counted(std::malloc(size == 0 ? 1 : size), size); }
// std::pmr asks for memory this way, whatever the alignment.
[[gnu::noinline]] void* operator new(size_t size, Alignment alignment) {
  const auto bytes = static_cast<size_t>(alignment);
  return Counted(std::aligned_alloc(bytes, (size + bytes - 1) / bytes * bytes), size);
}
[[gnu::noinline]] void* operator new[](size_t size) { return operator new(size); }
[[gnu::noinline]] void* operator new[](size_t size, Alignment alignment) { return operator new(size, alignment); }
[[gnu::noinline]] void* operator new(size_t size, NoThrow) noexcept { return operator new(size); }
[[gnu::noinline]] void* operator new[](size_t size, NoThrow) noexcept { return operator new(size); }
[[gnu::noinline]] void* operator new(size_t size, Alignment a, NoThrow) noexcept { return operator new(size, a); }
[[gnu::noinline]] void* operator new[](size_t size, Alignment a, NoThrow) noexcept { return operator new(size, a); }

[[gnu::noinline]] void operator delete(void* memory) noexcept {
  live_bytes -= memory == nullptr ? 0 : BytesOf(memory);
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { operator delete(memory); }
[[gnu::noinline]] void operator delete(void* memory, Alignment) noexcept { operator delete(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t, Alignment) noexcept { operator delete(memory); }
[[gnu::noinline]] void operator delete(void* memory, NoThrow) noexcept { operator delete(memory); }
[[gnu::noinline]] void operator delete(void* memory, Alignment, NoThrow) noexcept { operator delete(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { operator delete(memory); }
[[gnu::noinline]] void operator delete[](void* memory, size_t) noexcept { operator delete(memory); }
[[gnu::noinline]] void operator delete[](void* memory, Alignment) noexcept { operator delete(memory); }
[[gnu::noinline]] void operator delete[](void* memory, size_t, Alignment) noexcept { operator delete(memory); }
[[gnu::noinline]] void operator delete[](void* memory, NoThrow) noexcept { operator delete(memory); }
[[gnu::noinline]] void operator delete[](void* memory, Alignment, NoThrow) noexcept { operator delete(memory); }
// NOLINTEND(misc-new-delete-overloads)

namespace rpctee::test {

size_t LiveHeapBytes() { return live_bytes; }
size_t HeapAllocations() { return allocations; }
size_t HeapBytesAskedFor() { return bytes_asked_for; }

}  // namespace rpctee::test
