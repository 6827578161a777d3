// Does to packets what a bad network does: loses, delays and doubles some of them, as a seeded draw says.
//
// Knows no sockets and no clock. One thread. Bounded: at most `max_held` packets wait; for one more, the oldest goes.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <random>
#include <vector>

#include "base/byte_reader.h"
#include "base/clock.h"

namespace rpctee::shuffle {

struct ShuffleOptions {
  uint64_t seed = 1;
  double loss_percent = 2;
  double delay_percent = 5;
  double double_percent = 1;
  uint32_t max_behind = 8;                           // a delayed packet lets 1 to so many others of its direction pass
  Duration max_wait = std::chrono::milliseconds(5);  // and no longer, when no others come
  size_t max_held = 1'024;
};

struct ShuffleCounts {
  uint64_t packets = 0;
  uint64_t lost = 0;
  uint64_t delayed = 0;
  uint64_t overtaken = 0;  // delayed ones that another packet of their direction really passed
  uint64_t doubled = 0;
  uint64_t hurried = 0;  // let go early for want of room
};

class Shuffler {
 public:
  using OnPacket = std::function<void(Bytes packet)>;

  Shuffler(const ShuffleOptions& options, OnPacket on_packet)
      : options_(options), on_packet_(std::move(on_packet)), random_(options.seed) {}

  // Takes an IPv4 or IPv6 packet and calls OnPacket for what may go on: none, it, others that waited for it.
  void Take(Bytes packet, TimePoint now);
  // Lets go what has waited long enough.
  void Release(TimePoint now);
  // When Release is due; nothing when no packet waits.
  std::optional<TimePoint> NextRelease() const;

  const ShuffleCounts& counts() const { return counts_; }
  size_t held() const { return held_.size(); }

 private:
  struct Held {
    std::vector<uint8_t> packet;
    bool forth = false;   // its direction
    uint32_t behind = 0;  // how many others still may pass
    bool passed = false;  // one has
    TimePoint latest;
  };

  bool Draw(double percent);
  void Hold(Bytes packet, bool forth, TimePoint now);
  void PassOn(Bytes packet, bool forth);
  void Let(const Held& held);

  ShuffleOptions options_;
  OnPacket on_packet_;
  std::mt19937_64 random_;
  ShuffleCounts counts_;
  std::deque<Held> held_;  // in the order of `latest`
};

}  // namespace rpctee::shuffle
