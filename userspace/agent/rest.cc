#include "agent/rest.h"

#include <algorithm>

namespace rpctee::agent {

Pause Rest::Next(TimePoint now) {
  Turn(now);
  if (now - looked_ >= kWindow) {
    now_.looks = std::max(now_.looks, kBusyLooks);
  }
  if (std::max(now_.looks, before_.looks) < kBusyLooks) {
    return {kSleep, true};
  }
  const double filled = std::max(now_.filled, before_.filled);
  if (filled >= kFillForNone) {
    return {Duration::zero()};
  }
  return {filled >= kFillForShortNaps ? kShortNap : kNap};
}

void Rest::Looked(TimePoint now, double filled) {
  Turn(now);
  now_.looks += filled > 0 ? 1 : 0;
  now_.filled = std::max(now_.filled, filled);
  looked_ = now;
}

void Rest::Turn(TimePoint now) {
  if (now - start_ < kWindow) {
    return;
  }
  before_ = now_;
  now_ = {};
  start_ = now;
}

}  // namespace rpctee::agent
