// What stands for the kernel's draw where requests are sampled by a key. Published in docs/routes.md, since every node
// and every version must come to the same decision. Pure function; any thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace rpctee::route {

constexpr uint32_t KeyedDraw(std::string_view key) {
  Fnv1a hash;
  hash.Add(key);
  return static_cast<uint32_t>(Mix(hash.value()) >> 32);
}

}  // namespace rpctee::route
