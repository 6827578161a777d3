// What a test program has from the heap: linking this replaces operator new and delete by ones that count.
//
// Any thread. Live bytes are those of all threads, with what malloc itself needs; allocations are the calling thread's.
#pragma once

#include <cstddef>

namespace rpctee::test {

size_t LiveHeapBytes();
size_t HeapAllocations();

}  // namespace rpctee::test
