#include "control/service_registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "rpctee/k8s/v1/objects.pb.h"

namespace rpctee::control {
namespace {

namespace k8s = rpctee::k8s::v1;

constexpr uint32_t kMaxPort = 65'535;

template <typename ProtoMap>
Labels ToLabels(const ProtoMap& map) {
  return {map.begin(), map.end()};
}

std::string LowerCase(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower;
}

void AddPorts(const istio::networking::v1alpha3::ServiceEntry& spec, const Reporter& reporter, Service& service) {
  for (const istio::networking::v1alpha3::ServicePort& port : spec.ports()) {
    const uint32_t target = port.target_port() == 0 ? port.number() : port.target_port();
    if (port.number() == 0 || port.number() > kMaxPort || target > kMaxPort) {
      reporter.Warn(port, fmt::format("a port is a number from 1 to {}; passed over", kMaxPort));
      continue;
    }
    service.ports.push_back({static_cast<uint16_t>(port.number()), static_cast<uint16_t>(target), port.name()});
  }
}

void AddStaticEndpoints(const istio::networking::v1alpha3::ServiceEntry& spec, const Reporter& reporter,
                        Service& service) {
  for (const istio::networking::v1alpha3::WorkloadEntry& entry : spec.endpoints()) {
    const Result<IpAddress> ip = IpAddress::Parse(entry.address());
    if (!ip) {
      reporter.Warn(entry, fmt::format("\"{}\" is not an IP address; passed over", entry.address()));
      continue;
    }
    StaticEndpoint endpoint{*ip, {}, ToLabels(entry.labels()), std::max(entry.weight(), uint32_t{1})};
    for (const auto& [name, port] : entry.ports()) {
      if (port == 0 || port > kMaxPort) {
        reporter.Warn(entry, fmt::format("ports.{}: a port is a number from 1 to {}; passed over", name, kMaxPort));
      } else {
        endpoint.ports[name] = static_cast<uint16_t>(port);
      }
    }
    service.endpoints.push_back(std::move(endpoint));
  }
}

// Every pod and static endpoint of a cluster goes to its own port; the service's port says which.
uint16_t PortOf(const StaticEndpoint& endpoint, const ServicePort& port) {
  const auto found = endpoint.ports.find(port.name);
  return found == endpoint.ports.end() ? port.target : found->second;
}

bool IsReady(const k8s::PodStatus& status) {
  return std::none_of(status.conditions().begin(), status.conditions().end(), [](const k8s::PodCondition& condition) {
    return condition.type() == "Ready" && condition.status() == "False";
  });
}

}  // namespace

void ServiceRegistry::Add(const k8s::ServiceEntry& entry, Reporter& reporter) {
  Service service;
  service.ns = entry.metadata().namespace_();
  for (const std::string& host : entry.spec().hosts()) {
    if (!service_of_host_.try_emplace(LowerCase(host), services_.size()).second) {
      reporter.Warn(entry, fmt::format("{} has a ServiceEntry already; this one is not used for it", host));
    }
  }
  const auto& annotations = entry.metadata().annotations();
  const auto annotation = annotations.find("interface");
  service.interface_name = annotation == annotations.end() ? "" : annotation->second;
  service.selector = ToLabels(entry.spec().workload_selector().labels());
  AddPorts(entry.spec(), reporter, service);
  AddStaticEndpoints(entry.spec(), reporter, service);
  reporter.WarnOfUnusedKeys();
  services_.push_back(std::move(service));
}

void ServiceRegistry::Add(const k8s::DestinationRule& rule, Reporter& reporter) {
  for (const istio::networking::v1alpha3::Subset& subset : rule.spec().subsets()) {
    // Labels decide: a subset that is not understood whole must not become a wider one.
    if (reporter.HasUnsupported(subset, "the subset is skipped")) {
      continue;
    }
    const auto [place, is_new] =
        subsets_.try_emplace({LowerCase(rule.spec().host()), subset.name()}, ToLabels(subset.labels()));
    if (!is_new) {
      reporter.Warn(subset, fmt::format("subset \"{}\" of {} is defined before; the first definition stays",
                                        subset.name(), rule.spec().host()));
    }
    AddBalance(rule.spec().host(), subset.name(), subset.traffic_policy(), reporter);
  }
  AddBalance(rule.spec().host(), "", rule.spec().traffic_policy(), reporter);
  reporter.WarnOfUnusedKeys();
}

void ServiceRegistry::AddBalance(const std::string& host, const std::string& subset,
                                 const istio::networking::v1alpha3::TrafficPolicy& policy, const Reporter& reporter) {
  if (std::optional<Balance> balance = ToBalance(policy, reporter)) {
    balances_.try_emplace({LowerCase(host), subset}, std::move(*balance));
  }
}

void ServiceRegistry::SetLoadBalancing(route::Cluster& cluster) const {
  const std::optional<ClusterName> name = ClusterName::Parse(cluster.name);
  if (!name) {
    return;
  }
  for (const std::string& subset : {name->subset, std::string()}) {
    if (const auto found = balances_.find({LowerCase(name->host), subset}); found != balances_.end()) {
      cluster.load_balancing = found->second.load_balancing;
      cluster.hash_field = found->second.hash_field;
      return;
    }
  }
}

void ServiceRegistry::Add(const k8s::Deployment& deployment, const route::Origin& origin) {
  Workload workload;
  workload.name = deployment.metadata().name();
  workload.ns = deployment.metadata().namespace_();
  workload.labels = ToLabels(deployment.spec().template_().metadata().labels());
  workload.origin = origin;
  workload.wants_pods = !deployment.spec().has_replicas() || deployment.spec().replicas() > 0;
  deployments_.Add(std::move(workload));
}

void ServiceRegistry::Add(const k8s::Pod& pod, const route::Origin& origin, Diagnostics& diagnostics) {
  Workload workload;
  workload.name = pod.metadata().name();
  workload.ns = pod.metadata().namespace_();
  workload.labels = ToLabels(pod.metadata().labels());
  workload.origin = origin;
  workload.healthy = IsReady(pod.status());
  std::string ip = pod.status().pod_ip();
  if (ip.empty() && pod.status().pod_ips_size() > 0) {
    ip = pod.status().pod_ips(0).ip();
  }
  const bool runs = pod.status().phase() == "Running" && pod.metadata().deletion_timestamp().empty();
  if (runs && !ip.empty()) {
    if (const Result<IpAddress> address = IpAddress::Parse(ip)) {
      workload.ip = *address;
    } else {
      diagnostics.push_back({Severity::kWarning, origin,
                             fmt::format("Pod \"{}\": \"{}\" is not an IP address; passed over", workload.name, ip)});
    }
  }
  pods_.Add(std::move(workload));
}

const Service* ServiceRegistry::Find(std::string_view host) const {
  const auto found = service_of_host_.find(LowerCase(host));
  return found == service_of_host_.end() ? nullptr : &services_[found->second];
}

route::Cluster ServiceRegistry::Resolve(const std::string& cluster, const route::Origin& user,
                                        Diagnostics& diagnostics) {
  route::Cluster resolved{cluster, {}};
  const auto warn = [&](const std::string& why) {
    diagnostics.push_back({Severity::kWarning, user, fmt::format("cluster \"{}\" has no endpoints: {}", cluster, why)});
    return resolved;
  };
  const std::optional<ClusterName> name = ClusterName::Parse(cluster);
  if (!name) {
    return warn("no ClusterLoadAssignment has this name");
  }
  const Service* service = Find(name->host);
  if (service == nullptr) {
    return warn(
        fmt::format("there is neither a ClusterLoadAssignment of this name nor a ServiceEntry for {}", name->host));
  }
  const std::optional<Labels> subset = LabelsOfSubset(*service, *name, user, diagnostics);
  if (!subset) {
    return resolved;
  }
  const auto known = std::find_if(service->ports.begin(), service->ports.end(),
                                  [&](const ServicePort& port) { return port.number == name->port; });
  const ServicePort port = known == service->ports.end() ? ServicePort{name->port, name->port, ""} : *known;
  for (const StaticEndpoint& endpoint : service->endpoints) {
    if (HasAll(endpoint.labels, *subset)) {
      resolved.endpoints.push_back({{endpoint.ip, PortOf(endpoint, port)}, endpoint.weight, true});
    }
  }
  if (!service->selector.empty()) {
    Labels wanted = service->selector;
    wanted.insert(subset->begin(), subset->end());
    // Selector and subset may ask for different values of one label: then there are no such pods.
    if (HasAll(wanted, *subset)) {
      for (const Workload* pod : pods_.Select(service->ns, wanted)) {
        if (pod->ip) {
          resolved.endpoints.push_back({{*pod->ip, port.target}, 1, pod->healthy});
        }
      }
      WarnOfDeploymentsWithoutPods(service->ns, wanted, diagnostics);
    }
  }
  if (resolved.endpoints.empty()) {
    return warn("no running Pod has its labels");
  }
  return resolved;
}

std::optional<Labels> ServiceRegistry::LabelsOfSubset(const Service& service, const ClusterName& name,
                                                      const route::Origin& user, Diagnostics& diagnostics) {
  if (name.subset.empty()) {
    return Labels{};
  }
  const auto found = subsets_.find({LowerCase(name.host), name.subset});
  if (found != subsets_.end()) {
    return found->second;
  }
  const Labels by_version{{"version", name.subset}};
  const bool fits = AnyWorkloadHas(service, by_version);
  diagnostics.push_back({Severity::kWarning, user,
                         fmt::format("no DestinationRule defines subset \"{0}\" of {1}: {2}", name.subset, name.host,
                                     fits ? fmt::format("taking the label version={} for it", name.subset)
                                          : fmt::format("cluster \"{}\" has no endpoints", name.ToString()))});
  return fits ? std::optional(by_version) : std::nullopt;
}

bool ServiceRegistry::AnyWorkloadHas(const Service& service, const Labels& labels) {
  const auto has = [&](const StaticEndpoint& endpoint) { return HasAll(endpoint.labels, labels); };
  if (std::any_of(service.endpoints.begin(), service.endpoints.end(), has)) {
    return true;
  }
  Labels wanted = service.selector;
  wanted.insert(labels.begin(), labels.end());
  return !service.selector.empty() && HasAll(wanted, labels) &&
         (!pods_.Select(service.ns, wanted).empty() || !deployments_.Select(service.ns, wanted).empty());
}

void ServiceRegistry::WarnOfDeploymentsWithoutPods(const std::string& ns, const Labels& labels,
                                                   Diagnostics& diagnostics) {
  for (Workload* deployment : deployments_.Select(ns, labels)) {
    if (!deployment->told && deployment->wants_pods && pods_.Select(deployment->ns, deployment->labels).empty()) {
      deployment->told = true;
      diagnostics.push_back({Severity::kWarning, deployment->origin,
                             fmt::format("Deployment \"{}\" has no Pod list: give `kubectl get pods -o yaml` or a "
                                         "ClusterLoadAssignment",
                                         deployment->name)});
    }
  }
}

}  // namespace rpctee::control
