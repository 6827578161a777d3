#include "base/latency.h"

#include <algorithm>
#include <functional>
#include <numeric>

namespace rpctee {

size_t LatencyHistogram::BucketOf(Duration latency) {
  const auto ns = std::chrono::duration_cast<std::chrono::nanoseconds>(latency).count();
  return rpctee_latency_bucket(static_cast<uint64_t>(std::max<int64_t>(ns, 0)));
}

LatencyHistogram& LatencyHistogram::operator+=(const LatencyHistogram& other) {
  std::transform(buckets_.begin(), buckets_.end(), other.buckets_.begin(), buckets_.begin(), std::plus<>());
  return *this;
}

uint64_t LatencyHistogram::count() const { return std::accumulate(buckets_.begin(), buckets_.end(), uint64_t{0}); }

double LatencyHistogram::QuantileUs(double share) const {
  const double wanted = static_cast<double>(count()) * std::clamp(share, 0.0, 1.0);
  double below = 0;
  size_t last = 0;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    const auto inside = static_cast<double>(buckets_.at(bucket));
    if (inside == 0) {
      continue;
    }
    last = bucket;
    if (below + inside >= wanted) {
      const auto floor = static_cast<double>(rpctee_latency_floor_us(static_cast<unsigned>(bucket)));
      const auto ceiling = static_cast<double>(rpctee_latency_floor_us(static_cast<unsigned>(bucket) + 1));
      return floor + (ceiling - floor) * (wanted - below) / inside;
    }
    below += inside;
  }
  return count() == 0 ? 0 : static_cast<double>(rpctee_latency_floor_us(static_cast<unsigned>(last) + 1));
}

}  // namespace rpctee
