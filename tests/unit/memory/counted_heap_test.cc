// The judge of the other tests here misses no form of new.
#include "support/counted_heap.h"

#include <gtest/gtest.h>

#include <new>

namespace rpctee::test {
namespace {

constexpr size_t kBytes = 100;
constexpr std::align_val_t kAligned{64};

template <typename Take, typename Give>
void ExpectCounted(const char* form, Take take, Give give) {
  SCOPED_TRACE(form);
  const size_t allocations = HeapAllocations();
  const size_t live = LiveHeapBytes();
  const size_t asked_for = HeapBytesAskedFor();
  void* const memory = take();
  const size_t allocations_then = HeapAllocations();
  const size_t live_then = LiveHeapBytes();
  give(memory);
  EXPECT_EQ(allocations_then, allocations + 1);
  EXPECT_GE(live_then, live + kBytes);
  EXPECT_EQ(HeapBytesAskedFor(), asked_for + kBytes);
  EXPECT_EQ(LiveHeapBytes(), live);
}

TEST(CountedHeap, EveryFormOfNewIsCountedAndGivenBack) {
  ExpectCounted(
      "plain", [] { return ::operator new(kBytes); }, [](void* memory) { ::operator delete(memory); });
  ExpectCounted(
      "array", [] { return ::operator new[](kBytes); }, [](void* memory) { ::operator delete[](memory); });
  ExpectCounted(
      "aligned", [] { return ::operator new(kBytes, kAligned); },
      [](void* memory) { ::operator delete(memory, kAligned); });
  ExpectCounted(
      "aligned array", [] { return ::operator new[](kBytes, kAligned); },
      [](void* memory) { ::operator delete[](memory, kAligned); });
  ExpectCounted(
      "without exceptions", [] { return ::operator new(kBytes, std::nothrow); },
      [](void* memory) { ::operator delete(memory, std::nothrow); });
  ExpectCounted(
      "array without exceptions", [] { return ::operator new[](kBytes, std::nothrow); },
      [](void* memory) { ::operator delete[](memory, std::nothrow); });
  ExpectCounted(
      "aligned, without exceptions", [] { return ::operator new(kBytes, kAligned, std::nothrow); },
      [](void* memory) { ::operator delete(memory, kAligned, std::nothrow); });
  ExpectCounted(
      "aligned array without exceptions", [] { return ::operator new[](kBytes, kAligned, std::nothrow); },
      [](void* memory) { ::operator delete[](memory, kAligned, std::nothrow); });
}

}  // namespace
}  // namespace rpctee::test
