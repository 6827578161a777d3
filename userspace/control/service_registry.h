// Which pods a host and subset stand for: ServiceEntry, DestinationRule, Deployment and Pod, brought together by
// labels, as istiod does it.
//
// Control thread; lives for one load of route files. Plain data: knows the messages only while they are added.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "control/cluster_name.h"
#include "control/diagnostic.h"
#include "control/reporter.h"
#include "control/traffic_policy.h"
#include "control/workloads.h"
#include "route/route_set.h"

namespace rpctee::k8s::v1 {
class Deployment;
class DestinationRule;
class Pod;
class ServiceEntry;
}  // namespace rpctee::k8s::v1

namespace rpctee::control {

struct ServicePort {
  uint16_t number = 0;
  uint16_t target = 0;  // on the pod
  std::string name;
};

struct StaticEndpoint {
  IpAddress ip;
  std::map<std::string, uint16_t> ports;  // by the name of the service's port
  Labels labels;
  uint32_t weight = 1;
};

struct Service {
  std::string ns;
  std::string interface_name;  // the annotation, or ""
  std::vector<ServicePort> ports;
  Labels selector;  // empty = none
  std::vector<StaticEndpoint> endpoints;
};

class ServiceRegistry {
 public:
  void Add(const rpctee::k8s::v1::ServiceEntry& entry, Reporter& reporter);
  void Add(const rpctee::k8s::v1::DestinationRule& rule, Reporter& reporter);
  void Add(const rpctee::k8s::v1::Deployment& deployment, const route::Origin& origin);
  void Add(const rpctee::k8s::v1::Pod& pod, const route::Origin& origin, Diagnostics& diagnostics);

  // The service of a host, or nullptr.
  const Service* Find(std::string_view host) const;

  // The endpoints of a cluster by labels. Warns, at `user`, of all that keeps it empty.
  route::Cluster Resolve(const std::string& cluster, const route::Origin& user, Diagnostics& diagnostics);
  // How its DestinationRule wants a cluster balanced: the subset's own policy, else the host's.
  void SetLoadBalancing(route::Cluster& cluster) const;

 private:
  std::optional<Labels> LabelsOfSubset(const Service& service, const ClusterName& name, const route::Origin& user,
                                       Diagnostics& diagnostics);
  bool AnyWorkloadHas(const Service& service, const Labels& labels);
  void AddBalance(const std::string& host, const std::string& subset,
                  const istio::networking::v1alpha3::TrafficPolicy& policy, const Reporter& reporter);
  void WarnOfDeploymentsWithoutPods(const std::string& ns, const Labels& labels, Diagnostics& diagnostics);

  std::vector<Service> services_;
  std::map<std::string, size_t> service_of_host_;                    // by lower-case host: the first that has it
  std::map<std::pair<std::string, std::string>, Labels> subsets_;    // by lower-case host and subset
  std::map<std::pair<std::string, std::string>, Balance> balances_;  // the same; subset "" for the whole host
  Workloads pods_;
  Workloads deployments_;
};

}  // namespace rpctee::control
