// Aeraki's MetaRouter, turned into the route configurations that Aeraki would make of it.
//
// Control thread; no state.
#pragma once

#include <vector>

#include "control/reporter.h"
#include "control/service_registry.h"
#include "route/route_set.h"

namespace rpctee::k8s::v1 {
class MetaRouter;
}

namespace rpctee::control {

// One configuration, "<host>_<port>", for each MetaProtocol port of the first host's service; none, after a warning,
// when no port is known. Shares follow our contract: no mirrorPercentage is 100 %, 0 is none.
std::vector<route::RouteConfig> ToRouteConfigs(const rpctee::k8s::v1::MetaRouter& object,
                                               const ServiceRegistry& registry, Reporter& reporter);

}  // namespace rpctee::control
