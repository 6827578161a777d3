// A share of requests, in steps of one millionth, and the threshold on a 32-bit draw that gives exactly it.
// Plain values; any thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

namespace rpctee::route {

// The largest share: all requests.
inline constexpr uint32_t kMillion = 1'000'000;

struct Share {
  uint32_t millionths = kMillion;

  auto operator<=>(const Share&) const = default;

  // A request is taken when draw < Threshold(). 2^32 for everything, 0 for nothing. Monotonic, so a smaller share is
  // always a subset of a larger one.
  uint64_t Threshold() const {
    constexpr uint64_t kDraws = uint64_t{1} << 32;
    return (std::min(millionths, kMillion) * kDraws + kMillion / 2) / kMillion;
  }

  // "100%", "0.5%", "0.0001%"
  std::string ToString() const;

  // numerator / denominator, where the denominator is 100, 10,000 or 1,000,000; a fraction above one is one, and a
  // denominator of zero gives nothing.
  static Share FromFraction(uint64_t numerator, uint64_t denominator);
  // Percent as MetaRouter writes it, rounded to the nearest millionth; below 0 or not a number is 0, above 100 is 100.
  static Share FromPercent(double percent);
};

}  // namespace rpctee::route
