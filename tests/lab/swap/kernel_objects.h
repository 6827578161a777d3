// The BPF programs, maps and links that this process holds, and which of them live on in the kernel.
//
// For tests that look for leaks: ids are of this process alone, whatever others load meanwhile. One thread.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <utility>

namespace rpctee::swap {

// Kind ("prog", "map", "link") and id.
using KernelObjects = std::set<std::pair<std::string, uint32_t>>;

// What this process has open now.
KernelObjects HeldObjects();
// Those of `objects` that the kernel still knows. It frees them some time after their last user.
KernelObjects Living(const KernelObjects& objects);
// How many descriptors this process has open.
size_t OpenDescriptors();

}  // namespace rpctee::swap
