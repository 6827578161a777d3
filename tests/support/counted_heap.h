// What a test program has from the heap: linking this replaces operator new and delete by ones that count.
//
// Any thread. Every form of new counts: of arrays, aligned, without exceptions. Live bytes are those of all threads,
// with what malloc itself needs; the other figures are the calling thread's.
#pragma once

#include <cstddef>

namespace rpctee::test {

size_t LiveHeapBytes();
size_t HeapAllocations();
size_t HeapBytesAskedFor();  // ever, whether they are live or not

}  // namespace rpctee::test
