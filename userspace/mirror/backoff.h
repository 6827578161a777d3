// When an endpoint may be tried again: exponential backoff with jitter, and the gate that applies it.
//
// Plain values, one thread. The clock is given, never read.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/clock.h"
#include "mirror/random.h"

namespace rpctee::mirror {

// Delays between `min` and `max`. Each is drawn from the upper half of a step that doubles from 2 * min up to max, so
// that many agents that lost the same mirror at the same moment do not return at the same moment.
class Backoff {
 public:
  Backoff(Duration min, Duration max, uint64_t seed)
      : min_(std::max(min, Duration(1))), max_(std::max(max, min_)), step_(FirstStep()), random_(seed) {}

  Duration Next() {
    const Duration low = std::max(min_, step_ / 2);
    const Duration delay =
        low + Duration(static_cast<Duration::rep>(random_.Below(static_cast<uint64_t>((step_ - low).count()) + 1)));
    step_ = step_ > max_ / 2 ? max_ : step_ * 2;
    return delay;
  }
  void Reset() { step_ = FirstStep(); }

 private:
  Duration FirstStep() const { return min_ > max_ / 2 ? max_ : min_ * 2; }

  Duration min_;
  Duration max_;
  Duration step_;
  Random random_;
};

// Shared by the connections to one endpoint: while it is closed, none of them may be opened.
class ReconnectGate {
 public:
  explicit ReconnectGate(Backoff backoff) : backoff_(backoff) {}

  bool IsOpen(TimePoint now) const { return now >= not_before_; }
  TimePoint not_before() const { return not_before_; }

  void Succeeded() { backoff_.Reset(); }
  // Connections that fail together count as one failure. True when this one counts.
  bool Failed(TimePoint now) {
    const bool counts = IsOpen(now);
    if (counts) {
      not_before_ = now + backoff_.Next();
    }
    return counts;
  }

 private:
  Backoff backoff_;
  TimePoint not_before_{};
};

}  // namespace rpctee::mirror
