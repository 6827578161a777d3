// What a fuzz target uses in place of an assertion: it stays on in every build.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace rpctee::fuzz {

inline void Require(bool holds, const char* what) {
  if (!holds) {
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
  }
}

}  // namespace rpctee::fuzz
