#include "agent/taps.h"

#include <spdlog/spdlog.h>

namespace rpctee::agent {
namespace {

std::string_view Name(tap::Direction direction) { return direction == tap::Direction::kIngress ? "ingress" : "egress"; }

std::string_view Name(tap::Hook hook) { return hook == tap::Hook::kTcx ? "tcx" : "clsact"; }

}  // namespace

Result<Taps> Taps::Open(tap::Tap& tap, TapPlaces places) {
  Result<tap::InterfaceWatch> watch = tap::InterfaceWatch::Open();
  if (!watch) {
    return WithContext("interfaces", watch.error());
  }
  return Taps(tap, std::move(places), std::move(*watch));
}

Status Taps::Update() {
  const Result<tap::InterfaceWatch::Changes> changes = watch_.Poll();
  if (!changes) {
    return WithContext("interfaces", changes.error());
  }
  for (const tap::Interface& interface : changes->removed) {
    for (const tap::Direction direction : places_.directions) {
      tap_->Detach(interface.index, direction);
    }
    if (tap::MatchesAny(interface.name, places_.interfaces)) {
      spdlog::info("interface {} (ifindex {}) is gone", interface.name, interface.index);
    }
  }
  for (const tap::Interface& interface : changes->added) {
    if (tap::MatchesAny(interface.name, places_.interfaces)) {
      Attach(interface);
    }
  }
  return {};
}

void Taps::Attach(const tap::Interface& interface) {
  for (const tap::Direction direction : places_.directions) {
    const Result<tap::Attachment> attached = tap_->Attach(interface.index, direction, places_.mode);
    if (attached) {
      spdlog::info("tapping {} (ifindex {}) {} by {}", interface.name, interface.index, Name(direction),
                   Name(attached->hook));
    } else {
      spdlog::error("interface {} (ifindex {}) {}: {}; it is not tapped", interface.name, interface.index,
                    Name(direction), attached.error().message);
    }
  }
}

}  // namespace rpctee::agent
