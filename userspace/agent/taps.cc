#include "agent/taps.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace rpctee::agent {
namespace {

// Between two times that the same place is attached again. None the first time, then these, doubling.
constexpr Duration kFirstPause = std::chrono::seconds(1);
constexpr Duration kLongestPause = std::chrono::minutes(1);
constexpr size_t kMostNamed = 4;

std::string Name(tap::Side side) {
  const std::string direction = side.direction == tap::Direction::kIngress ? "ingress" : "egress";
  return side.program == tap::Program::kRequests ? direction : direction + " for answers";
}

std::string_view Name(tap::Hook hook) { return hook == tap::Hook::kTcx ? "tcx" : "clsact"; }

std::string Describe(const std::vector<tap::Neighbour>& neighbours) {
  std::string text;
  for (size_t i = 0; i < std::min(neighbours.size(), kMostNamed); ++i) {
    text += (i == 0 ? "" : ", ") + neighbours[i].ToString();
  }
  return neighbours.size() <= kMostNamed ? text
                                         : text + " and " + std::to_string(neighbours.size() - kMostNamed) + " more";
}

std::string Behind(const std::vector<tap::Neighbour>& ahead) {
  return "behind " + Describe(ahead) + "; packets whose way ends there are not seen";
}

}  // namespace

std::vector<tap::Side> TapPlaces::Sides() const {
  std::vector<tap::Side> sides;
  for (const tap::Direction direction : directions) {
    sides.emplace_back(direction);
    if (replies) {
      sides.emplace_back(tap::Opposite(direction), tap::Program::kReplies);
    }
  }
  return sides;
}

Result<Taps> Taps::Open(tap::Tap& tap, TapPlaces wanted) {
  Result<tap::InterfaceWatch> watch = tap::InterfaceWatch::Open();
  if (!watch) {
    return WithContext("interfaces", watch.error());
  }
  Result<tap::TcWatch> filter_watch = tap::TcWatch::Open();
  if (!filter_watch) {
    return WithContext("tc filters", filter_watch.error());
  }
  return Taps(tap, std::move(wanted), std::move(*watch), std::move(*filter_watch));
}

Status Taps::Update() {
  const Result<tap::InterfaceWatch::Changes> changes = watch_.Poll();
  if (!changes) {
    return WithContext("interfaces", changes.error());
  }
  for (const tap::Interface& interface : changes->removed) {
    Remove(interface);
  }
  for (const tap::Interface& interface : changes->added) {
    if (tap::MatchesAny(interface.name, wanted_.interfaces)) {
      Add(interface);
    }
  }
  return {};
}

void Taps::Add(const tap::Interface& interface) {
  for (const tap::Side side : sides_) {
    const Key key{interface.index, side};
    Place& place = places_[key];
    place.interface = interface.name;
    Look(key, place);
  }
}

void Taps::Remove(const tap::Interface& interface) {
  for (const tap::Side side : sides_) {
    tap_->Detach(interface.index, side);
    places_.erase({interface.index, side});
  }
  if (tap::MatchesAny(interface.name, wanted_.interfaces)) {
    spdlog::info("interface {} (ifindex {}) is gone", interface.name, interface.index);
  }
}

Status Taps::LookAtChanged() {
  const Result<tap::TcWatch::Changes> changes = filter_watch_.Poll();
  if (!changes) {
    return WithContext("tc filters", changes.error());
  }
  for (auto& [key, place] : places_) {
    if (changes->anywhere || changes->interfaces.contains(key.first)) {
      Look(key, place);
    }
  }
  return {};
}

void Taps::LookAtAll() {
  for (auto& [key, place] : places_) {
    Look(key, place);
  }
}

void Taps::Look(const Key& key, Place& place) {
  const TimePoint now = Clock::now();
  if (place.attached) {
    const Result<tap::Sighting> sighting = tap_->Look(key.first, key.second);
    if (!sighting) {
      spdlog::debug("interface {} {}: {}", place.interface, Name(key.second), sighting.error().message);
      return;
    }
    switch (sighting->presence) {
      case tap::Presence::kAttached:
        OnNeighbours(key, place, sighting->ahead);
        return;
      case tap::Presence::kInterfaceGone:
        return;  // the watch of interfaces will tell
      case tap::Presence::kRemoved:
      case tap::Presence::kReplaced:
        OnTaken(key, place, sighting->presence, now);
    }
  }
  if (now >= place.not_before) {
    Attach(key, place, now);
  }
}

void Taps::OnNeighbours(const Key& key, Place& place, const std::vector<tap::Neighbour>& ahead) {
  if (ahead == place.ahead) {
    return;
  }
  place.ahead = ahead;
  spdlog::info("the tap on {} (ifindex {}) {} is now {}", place.interface, key.first, Name(key.second),
               ahead.empty() ? "the first there" : Behind(ahead));
}

void Taps::OnTaken(const Key& key, Place& place, tap::Presence presence, TimePoint now) {
  ++removed_;
  place.attached = false;
  if (now - place.attached_at > kLongestPause) {
    place.pause = {};
  }
  spdlog::warn("somebody {} the tap on {} (ifindex {}) {}; putting it back in {} s",
               presence == tap::Presence::kReplaced ? "replaced" : "removed", place.interface, key.first,
               Name(key.second), std::chrono::duration_cast<std::chrono::seconds>(place.pause).count());
  Postpone(place, now);
}

void Taps::Postpone(Place& place, TimePoint now) {
  place.not_before = now + place.pause;
  place.pause = std::clamp(place.pause * 2, kFirstPause, kLongestPause);
}

void Taps::Attach(const Key& key, Place& place, TimePoint now) {
  const Result<tap::Attachment> attached = tap_->Attach(key.first, key.second, wanted_.mode);
  if (!attached) {
    Postpone(place, now);
    if (attached.error().message != place.last_error) {
      place.last_error = attached.error().message;
      spdlog::error("interface {} (ifindex {}) {}: {}; it is not tapped, trying again from time to time",
                    place.interface, key.first, Name(key.second), place.last_error);
    }
    return;
  }
  if (attached->interface != place.interface) {
    tap_->Detach(key.first, key.second);  // the index names another one now; the watch of interfaces will tell
    return;
  }
  spdlog::info("tapping {} (ifindex {}) {} by {}{}{}", place.interface, key.first, Name(key.second),
               Name(attached->hook), place.was_attached ? " again" : "",
               attached->ahead.empty() ? "" : ", " + Behind(attached->ahead));
  put_back_ += place.was_attached ? 1 : 0;
  place.attached = place.was_attached = true;
  place.attached_at = now;
  place.ahead = attached->ahead;
  place.last_error.clear();
}

void Taps::Tell(Condition& condition) const {
  condition.taps_removed = removed_;
  condition.taps_put_back = put_back_;
  for (const auto& [key, place] : places_) {
    const std::string name = place.interface + " " + Name(key.second);
    if (!place.attached) {
      condition.missing.push_back(name);
    } else if (!place.ahead.empty()) {
      condition.behind.push_back(name + ": behind " + Describe(place.ahead));
    }
  }
}

}  // namespace rpctee::agent
