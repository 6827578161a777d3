// How a worker rests that found its ring empty: asleep until the tap program wakes it, or in naps after which it looks
// by itself. Waking it costs the primary's own path, so it is done only as long as it is seldom.
//
// One worker thread, whose clock it is given. A plain value.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace rpctee::agent {

struct Pause {
  Duration length;      // at most
  bool asleep = false;  // to be woken for the next record; else nobody is told
};

class Rest {
 public:
  // Looks that found records are counted in stretches of this length. From so many on in one of them the worker naps:
  // beside so many wake-ups on the primary's path they are cheaper for all. To have had no rest for so long counts too.
  static constexpr Duration kWindow = std::chrono::milliseconds(32);
  static constexpr uint32_t kBusyLooks = 4;
  // A nap delays a copy by its length at most; what it lets the ring fill with makes the next one shorter.
  static constexpr Duration kNap = std::chrono::milliseconds(2);
  static constexpr Duration kShortNap = std::chrono::milliseconds(1);
  static constexpr double kFillForShortNaps = 1.0 / 16;
  static constexpr double kFillForNone = 1.0 / 4;
  // Asleep never without an end, whatever becomes of a wake-up.
  static constexpr Duration kSleep = std::chrono::milliseconds(100);

  // What to do now that the ring is empty.
  Pause Next(TimePoint now);
  // After each pause: the share of the ring that records fill then, 0 when there are none.
  void Looked(TimePoint now, double filled);

 private:
  struct Window {
    uint32_t looks = 0;  // that found records
    double filled = 0;   // the most
  };
  void Turn(TimePoint now);

  TimePoint start_{};                    // of this window
  TimePoint looked_ = TimePoint::max();  // last; none yet
  Window now_;
  Window before_;
};

}  // namespace rpctee::agent
