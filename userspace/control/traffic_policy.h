// What a DestinationRule's trafficPolicy says about the choice among endpoints. Control thread; pure function.
#pragma once

#include <optional>
#include <string>

#include "control/reporter.h"
#include "route/route_set.h"

namespace istio::networking::v1alpha3 {
class TrafficPolicy;
}

namespace rpctee::control {

struct Balance {
  route::LoadBalancing load_balancing = route::LoadBalancing::kRoundRobin;
  std::string hash_field;
};

// None when the policy says nothing about it. Warns of what has no meaning for copies.
std::optional<Balance> ToBalance(const istio::networking::v1alpha3::TrafficPolicy& policy, const Reporter& reporter);

}  // namespace rpctee::control
