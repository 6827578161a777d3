#include "route/share.h"

#include <cmath>

namespace rpctee::route {
namespace {

constexpr uint32_t kMillionthsInPercent = kMillion / 100;
constexpr size_t kPercentDecimals = 4;

}  // namespace

std::string Share::ToString() const {
  const uint32_t value = std::min(millionths, kMillion);
  std::string decimals = std::to_string(value % kMillionthsInPercent);
  decimals.insert(0, kPercentDecimals - decimals.size(), '0');
  decimals.erase(decimals.find_last_not_of('0') + 1);
  const std::string whole = std::to_string(value / kMillionthsInPercent);
  return whole + (decimals.empty() ? "" : "." + decimals) + "%";
}

Share Share::FromFraction(uint64_t numerator, uint64_t denominator) {
  if (denominator == 0) {
    return Share{0};
  }
  if (numerator >= denominator) {
    return Share{kMillion};
  }
  // Keeps the product below within 64 bits. Denominators this large do not occur in the formats that are read.
  while (denominator >= (uint64_t{1} << 43)) {
    numerator >>= 1;
    denominator >>= 1;
  }
  return Share{static_cast<uint32_t>((numerator * kMillion + denominator / 2) / denominator)};
}

Share Share::FromPercent(double percent) {
  if (std::isnan(percent) || percent <= 0) {
    return Share{0};
  }
  if (percent >= 100) {
    return Share{kMillion};
  }
  return Share{static_cast<uint32_t>(std::lround(percent * kMillionthsInPercent))};
}

}  // namespace rpctee::route
