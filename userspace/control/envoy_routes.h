// RDS and EDS messages, from a dump, a file or the wire, turned into routes and clusters.
//
// Control thread; no state. Takes typed messages only, so that text and xDS share every rule. A route with a condition
// or an action that is not supported is left out with a warning: it never becomes a route that matches everything.
#pragma once

#include "control/reporter.h"
#include "route/route_set.h"

namespace aeraki::meta_protocol_proxy::config::route::v1alpha {
class RouteConfiguration;
}
namespace envoy::config::route::v3 {
class RouteConfiguration;
}
namespace envoy::config::endpoint::v3 {
class ClusterLoadAssignment;
}

namespace rpctee::control {

route::RouteConfig ToRouteConfig(
    const aeraki::meta_protocol_proxy::config::route::v1alpha::RouteConfiguration& configuration, Reporter& reporter);

// Takes the virtual host for every domain ("*"), which is where Aeraki puts its routes.
route::RouteConfig ToRouteConfig(const envoy::config::route::v3::RouteConfiguration& configuration, Reporter& reporter);

// Endpoints without an IP address are left out with a warning.
route::Cluster ToCluster(const envoy::config::endpoint::v3::ClusterLoadAssignment& assignment, Reporter& reporter);

}  // namespace rpctee::control
