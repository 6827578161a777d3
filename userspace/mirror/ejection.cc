#include "mirror/ejection.h"

#include <algorithm>

namespace rpctee::mirror {

void Ejection::OnQueued(TimePoint now) {
  if (state_ == State::kOut) {
    state_ = State::kProbed;
    since_ = now;
  }
}

Ejection::Change Ejection::OnEnd(End end, TimePoint queued, TimePoint now) {
  if (state_ == State::kOut || queued < since_) {
    return Change::kNone;
  }
  if (state_ == State::kProbed) {
    return end == End::kTaken || end == End::kSent ? TakeBack(now) : PutOut(now);
  }
  switch (end) {
    case End::kTaken:
      failures_ = exhausted_ = 0;
      return Change::kNone;
    case End::kExhausted:
      return Count(exhausted_, options_.consecutive_exhausted, now);
    case End::kTimedOut:
      return Count(failures_, options_.consecutive_failures, now);
    case End::kSent:
    case End::kLost:  // the connection's failure is counted
      break;
  }
  return Change::kNone;
}

// While it is probed, the end of the probe decides alone: an old connection may fail beside it.
Ejection::Change Ejection::OnConnectionFailed(TimePoint now) {
  return state_ == State::kIn ? Count(failures_, options_.consecutive_failures, now) : Change::kNone;
}

Ejection::Change Ejection::Count(uint32_t& in_a_row, uint32_t limit, TimePoint now) {
  ++in_a_row;
  return limit != 0 && in_a_row >= limit ? PutOut(now) : Change::kNone;
}

Ejection::Change Ejection::PutOut(TimePoint now) {
  const bool anew = state_ == State::kIn && now - since_ >= 2 * last_time_;
  times_ = anew ? 1 : times_ + 1;
  const Duration time = std::min(options_.time * times_, std::max(options_.time, options_.max_time));
  const double jitter = 0.25 * random_.Unit();
  last_time_ = time + std::chrono::duration_cast<Duration>(jitter * time);
  not_before_ = now + last_time_;
  state_ = State::kOut;
  failures_ = exhausted_ = 0;
  return Change::kOut;
}

Ejection::Change Ejection::TakeBack(TimePoint now) {
  state_ = State::kIn;
  since_ = now;
  return Change::kBack;
}

}  // namespace rpctee::mirror
