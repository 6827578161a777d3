// Keeps the tap attached to every interface that the configuration names, as interfaces come and go, and as others
// remove it.
//
// Control thread. Owns the watches of interfaces and filters; uses the tap, which must outlive it.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "agent/condition.h"
#include "base/clock.h"
#include "base/result.h"
#include "tap/interface_watch.h"
#include "tap/tap.h"
#include "tap/tc_watch.h"

namespace rpctee::agent {

struct TapPlaces {
  std::vector<std::string> interfaces;     // names and shell patterns
  std::vector<tap::Direction> directions;  // of requests
  tap::AttachMode mode = tap::AttachMode::kAuto;
  bool replies = false;  // tap the opposite directions for answers

  std::vector<tap::Side> Sides() const;
};

class Taps {
 public:
  // How often to call LookAtAll: the longest that a removed tap stays unnoticed.
  static constexpr Duration kLookInterval = std::chrono::seconds(2);

  static Result<Taps> Open(tap::Tap& tap, TapPlaces wanted);

  // Readable when interfaces changed; then call Update.
  int fd() const { return watch_.fd(); }
  // Attaches to what is new, forgets what is gone, logs both. A single interface that can't be tapped is logged, and
  // tried again by LookAtAll.
  Status Update();

  // Readable when someone changed tc filters; then call LookAtChanged.
  int filters_fd() const { return filter_watch_.fd(); }
  // Puts back what was removed, and logs it. Who removes it again and again is given way to, for up to a minute.
  Status LookAtChanged();
  void LookAtAll();

  // Fills in what is about taps.
  void Tell(Condition& condition) const;

 private:
  struct Place {
    std::string interface;
    bool attached = false;
    bool was_attached = false;
    std::vector<tap::Neighbour> ahead;
    std::string last_error;
    TimePoint attached_at{};
    TimePoint not_before{};  // when it may be attached again
    Duration pause{};        // the next one
  };
  using Key = std::pair<uint32_t, tap::Side>;
  using Places = std::map<Key, Place>;

  Taps(tap::Tap& tap, TapPlaces wanted, tap::InterfaceWatch watch, tap::TcWatch filter_watch)
      : tap_(&tap),
        wanted_(std::move(wanted)),
        sides_(wanted_.Sides()),
        watch_(std::move(watch)),
        filter_watch_(std::move(filter_watch)) {}
  void Add(const tap::Interface& interface);
  void Remove(const tap::Interface& interface);
  void Look(const Key& key, Place& place);
  void OnNeighbours(const Key& key, Place& place, const std::vector<tap::Neighbour>& ahead);
  void OnTaken(const Key& key, Place& place, tap::Presence presence, TimePoint now);
  static void Postpone(Place& place, TimePoint now);
  void Attach(const Key& key, Place& place, TimePoint now);

  tap::Tap* tap_;
  TapPlaces wanted_;
  std::vector<tap::Side> sides_;
  tap::InterfaceWatch watch_;
  tap::TcWatch filter_watch_;
  Places places_;
  uint64_t removed_ = 0;
  uint64_t put_back_ = 0;
};

}  // namespace rpctee::agent
