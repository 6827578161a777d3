// A histogram of latencies with about 3 % resolution and constant memory. One thread.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace rpctee::sample {

class LatencyHistogram {
 public:
  void Add(uint64_t ns) {
    ++buckets_[Index(ns)];
    ++count_;
  }

  // Microseconds below which `share` (0..1) of all samples lie.
  double QuantileUs(double share) const {
    const auto wanted = static_cast<uint64_t>(static_cast<double>(count_) * share);
    uint64_t below = 0;
    for (size_t i = 0; i < buckets_.size(); ++i) {
      below += buckets_[i];
      if (below > wanted) {
        return static_cast<double>(Value(i)) / 1000.0;
      }
    }
    return 0;
  }

 private:
  static constexpr unsigned kSubBits = 5;
  static constexpr uint64_t kSub = uint64_t{1} << kSubBits;

  static size_t Index(uint64_t ns) {
    if (ns < kSub) {
      return ns;
    }
    const auto octave = static_cast<unsigned>(std::bit_width(ns)) - kSubBits - 1;
    return (octave + 1) * kSub + ((ns >> octave) - kSub);
  }
  static uint64_t Value(size_t index) {
    if (index < kSub) {
      return index;
    }
    const size_t octave = index / kSub - 1;
    return (kSub + index % kSub) << octave;
  }

  std::array<uint64_t, (64 - kSubBits + 1) * kSub> buckets_{};
  uint64_t count_ = 0;
};

}  // namespace rpctee::sample
