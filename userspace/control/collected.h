// The typed objects that route files held, each with its place in the text. Control thread; lives for one load.
//
// This header includes generated messages: for .cc files of this folder only.
#pragma once

#include <memory>
#include <vector>

#include "aeraki/meta_protocol_proxy/config/route/v1alpha/route.pb.h"
#include "control/source_map.h"
#include "envoy/config/endpoint/v3/endpoint.pb.h"
#include "envoy/config/route/v3/route.pb.h"
#include "rpctee/k8s/v1/objects.pb.h"

namespace rpctee::control {

template <typename T>
struct Sourced {
  std::unique_ptr<T> message = std::make_unique<T>();  // stays where it is: `sources` knows it by address
  std::unique_ptr<SourceMap> sources;
  route::Origin origin;
};

struct Collected {
  std::vector<Sourced<aeraki::meta_protocol_proxy::config::route::v1alpha::RouteConfiguration>> aeraki_routes;
  std::vector<Sourced<envoy::config::route::v3::RouteConfiguration>> envoy_routes;
  std::vector<Sourced<envoy::config::endpoint::v3::ClusterLoadAssignment>> assignments;
  std::vector<Sourced<rpctee::k8s::v1::MetaRouter>> meta_routers;
  std::vector<Sourced<rpctee::k8s::v1::ServiceEntry>> service_entries;
  std::vector<Sourced<rpctee::k8s::v1::DestinationRule>> destination_rules;
  std::vector<Sourced<rpctee::k8s::v1::Deployment>> deployments;
  std::vector<Sourced<rpctee::k8s::v1::Pod>> pods;
};

}  // namespace rpctee::control
