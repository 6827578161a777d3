// Keeps the tap attached to every interface that the configuration names, as interfaces come and go.
//
// Control thread. Owns the interface watch; uses the tap, which must outlive it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "tap/interface_watch.h"
#include "tap/tap.h"

namespace rpctee::agent {

struct TapPlaces {
  std::vector<std::string> interfaces;  // names and shell patterns
  std::vector<tap::Direction> directions;
  tap::AttachMode mode = tap::AttachMode::kAuto;
};

class Taps {
 public:
  static Result<Taps> Open(tap::Tap& tap, TapPlaces places);

  // Readable when interfaces changed; then call Update.
  int fd() const { return watch_.fd(); }
  // Attaches to what is new, forgets what is gone, logs both. A single interface that can't be tapped is logged and
  // left.
  Status Update();

 private:
  Taps(tap::Tap& tap, TapPlaces places, tap::InterfaceWatch watch)
      : tap_(&tap), places_(std::move(places)), watch_(std::move(watch)) {}
  void Attach(const tap::Interface& interface);

  tap::Tap* tap_;
  TapPlaces places_;
  tap::InterfaceWatch watch_;
};

}  // namespace rpctee::agent
