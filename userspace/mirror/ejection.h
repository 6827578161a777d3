// Whether a mirror pod is given copies, by how it took the last ones: out after failures in a row, back by one probe.
//
// Plain computation, one thread; the clock is given. A pod that is out gets nothing for a time that grows with each
// ejection in a row, with jitter; then one copy, the probe, and its end decides. A pod that has been in for twice as
// long as it was out last begins anew.
#pragma once

#include <chrono>
#include <cstdint>

#include "base/clock.h"
#include "mirror/random.h"

namespace rpctee::mirror {

struct EjectionOptions {
  uint32_t consecutive_failures = 5;   // connections that failed and copies that timed out; 0 = never
  uint32_t consecutive_exhausted = 1;  // answers that say that the pod has no thread for the request; 0 = never
  Duration time = std::chrono::seconds(5);
  Duration max_time = std::chrono::seconds(30);
};

class Ejection {
 public:
  enum class End : uint8_t {
    kTaken,      // answered
    kSent,       // one-way: nobody knows, but a probe may be nothing else
    kExhausted,  // answered: no thread for it
    kTimedOut,
    kLost,  // with its connection
  };
  enum class Change : uint8_t { kNone, kOut, kBack };

  Ejection(const EjectionOptions& options, uint64_t seed) : options_(options), random_(seed) {}

  bool MayTake(TimePoint now) const { return state_ == State::kIn || (state_ == State::kOut && now >= not_before_); }
  bool is_out() const { return state_ != State::kIn; }
  bool is_probed() const { return state_ == State::kProbed; }
  // While it is out and not probed.
  TimePoint not_before() const { return not_before_; }
  // How long it was put out last.
  Duration last_time() const { return last_time_; }

  // A copy was given to it; only when MayTake.
  void OnQueued(TimePoint now);
  // A copy that was given to it at `queued` has ended. What was queued before the probe, or before it came back, says
  // nothing any more.
  Change OnEnd(End end, TimePoint queued, TimePoint now);
  // Connections that fail together are one failure.
  Change OnConnectionFailed(TimePoint now);

 private:
  enum class State : uint8_t { kIn, kOut, kProbed };
  Change Count(uint32_t& in_a_row, uint32_t limit, TimePoint now);
  Change PutOut(TimePoint now);
  Change TakeBack(TimePoint now);

  EjectionOptions options_;
  Random random_;
  State state_ = State::kIn;
  TimePoint since_{};  // in: when it came back; probed: when the probe was queued
  TimePoint not_before_{};
  Duration last_time_{};
  uint32_t failures_ = 0;
  uint32_t exhausted_ = 0;
  uint32_t times_ = 0;
};

}  // namespace rpctee::mirror
