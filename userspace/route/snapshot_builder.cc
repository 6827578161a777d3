#include <algorithm>
#include <set>
#include <utility>

#include "route/snapshot.h"
#include "route/text.h"

namespace rpctee::route {
namespace {

// The route's own policy comes first, as in the proxies.
std::vector<std::string> HashPolicyOf(const Route& route, const Cluster& cluster) {
  if (cluster.load_balancing != LoadBalancing::kRingHash) {
    return {};
  }
  const bool by_cluster = route.hash_policy.empty() && !cluster.hash_field.empty();
  return by_cluster ? std::vector{cluster.hash_field} : route.hash_policy;
}

std::string NameOf(const RouteConfig& config, size_t position) {
  const Route& route = config.routes[position];
  const std::string origin = route.origin.ToString();
  return (origin.empty() ? "" : origin + ": ") + "route '" + RouteLabel(route, position) + "' of '" + config.name + "'";
}

// In this order, so that nothing replaces the mark.
std::vector<Attachment> AdditionsOf(const Route& route, const CopyPolicy& policy, const Mark& mark) {
  std::vector<Attachment> all = route.mutation;
  all.insert(all.end(), policy.attachments.begin(), policy.attachments.end());
  if (!mark.attachment.empty()) {
    all.push_back({mark.attachment, mark.value});
  }
  return all;
}

}  // namespace

// Fills one new snapshot from a route set. Control thread.
class Snapshot::Builder {
 public:
  explicit Builder(Snapshot& snapshot) : snapshot_(snapshot) {}

  Status Run();

 private:
  void AddClusters();
  void SetBalancing();
  uint32_t ClusterIndex(const std::string& name);
  Result<CompiledConfig> CompileConfig(const RouteConfig& config);
  Result<CompiledRoute> CompileRoute(const RouteConfig& config, size_t position);
  Status AddRules(const RouteConfig& config, size_t position, CompiledRoute& compiled);
  void IndexEndpoints();
  void IndexConfig(uint32_t config, std::vector<uint64_t>& cluster_thresholds);
  void CollectThresholds(const std::vector<uint64_t>& cluster_thresholds);

  Snapshot& snapshot_;
  std::unordered_map<std::string, uint32_t> cluster_index_;
};

Status Snapshot::Builder::Run() {
  AddClusters();
  SetBalancing();
  for (const RouteConfig& config : snapshot_.source_->configs) {
    Result<CompiledConfig> compiled = CompileConfig(config);
    if (!compiled) {
      return tl::unexpected(compiled.error());
    }
    snapshot_.configs_.push_back(std::move(*compiled));
  }
  IndexEndpoints();
  return {};
}

// A cluster that is given twice has the endpoints of both, and is balanced as the first says.
void Snapshot::Builder::AddClusters() {
  for (const Cluster& cluster : snapshot_.source_->clusters) {
    Cluster& added = snapshot_.clusters_[ClusterIndex(cluster.name)];
    std::vector<ClusterEndpoint>& endpoints = added.endpoints;
    if (endpoints.empty()) {
      added = cluster;
      continue;
    }
    std::set<SocketAddress> known;
    for (const ClusterEndpoint& endpoint : endpoints) {
      known.insert(endpoint.address);
    }
    std::copy_if(cluster.endpoints.begin(), cluster.endpoints.end(), std::back_inserter(endpoints),
                 [&known](const ClusterEndpoint& endpoint) { return known.insert(endpoint.address).second; });
  }
}

// All rules that mirror to a cluster share its balancing: where their policies differ, the last counts.
void Snapshot::Builder::SetBalancing() {
  for (const RouteConfig& config : snapshot_.source_->configs) {
    for (const Route& route : config.routes) {
      for (const MirrorPolicy& mirror : route.mirrors) {
        if (mirror.policy.load_balancing) {
          snapshot_.clusters_[ClusterIndex(mirror.cluster)].load_balancing = *mirror.policy.load_balancing;
        }
      }
    }
  }
}

uint32_t Snapshot::Builder::ClusterIndex(const std::string& name) {
  const auto [position, is_new] = cluster_index_.try_emplace(name, static_cast<uint32_t>(snapshot_.clusters_.size()));
  if (is_new) {
    snapshot_.clusters_.push_back(Cluster{name, {}});
  }
  return position->second;
}

Result<Snapshot::CompiledConfig> Snapshot::Builder::CompileConfig(const RouteConfig& config) {
  CompiledConfig compiled;
  compiled.interface_name = Fold(config.interface_name);
  for (size_t position = 0; position < config.routes.size(); ++position) {
    Result<CompiledRoute> route = CompileRoute(config, position);
    if (!route) {
      return tl::unexpected(route.error());
    }
    compiled.routes.push_back(std::move(*route));
  }
  return compiled;
}

Result<Snapshot::CompiledRoute> Snapshot::Builder::CompileRoute(const RouteConfig& config, size_t position) {
  const Route& route = config.routes[position];
  CompiledRoute compiled;
  for (const FieldMatch& match : route.matches) {
    Result<Matcher> matcher = Matcher::Compile(match);
    if (!matcher) {
      return WithContext(NameOf(config, position), matcher.error());
    }
    compiled.matchers.push_back(std::move(*matcher));
  }
  for (const std::string& cluster : route.clusters) {
    compiled.clusters.push_back(ClusterIndex(cluster));
  }
  std::sort(compiled.clusters.begin(), compiled.clusters.end());
  compiled.clusters.erase(std::unique(compiled.clusters.begin(), compiled.clusters.end()), compiled.clusters.end());
  if (const Status added = AddRules(config, position, compiled); !added) {
    return WithContext(NameOf(config, position), added.error());
  }
  return compiled;
}

Status Snapshot::Builder::AddRules(const RouteConfig& config, size_t position, CompiledRoute& compiled) {
  const Route& route = config.routes[position];
  for (const MirrorPolicy& mirror : route.mirrors) {
    Rule rule;
    rule.id = static_cast<uint32_t>(snapshot_.rules_.size());
    rule.config = config.name;
    rule.route = RouteLabel(route, position);
    rule.cluster = mirror.cluster;
    rule.share = mirror.share;
    rule.threshold = mirror.share.Threshold();
    rule.tap_threshold = rule.threshold == 0 || mirror.policy.sample_by.empty() ? rule.threshold : Share{}.Threshold();
    rule.cluster_index = ClusterIndex(mirror.cluster);
    rule.hash_policy = HashPolicyOf(route, snapshot_.clusters_[rule.cluster_index]);
    rule.policy = mirror.policy;
    rule.methods = MethodFilter(mirror.policy);
    Result<protocol::Additions> additions =
        protocol::Additions::Make(AdditionsOf(route, mirror.policy, snapshot_.source_->mark));
    if (!additions) {
      return tl::unexpected(additions.error());
    }
    rule.additions = std::move(*additions);
    compiled.rules.push_back(rule.id);
    snapshot_.rules_.push_back(std::move(rule));
  }
  return {};
}

void Snapshot::Builder::IndexEndpoints() {
  for (uint32_t cluster = 0; cluster < snapshot_.clusters_.size(); ++cluster) {
    for (const ClusterEndpoint& endpoint : snapshot_.clusters_[cluster].endpoints) {
      std::vector<uint32_t>& clusters = snapshot_.by_endpoint_[endpoint.address].clusters;
      if (clusters.empty() || clusters.back() != cluster) {
        clusters.push_back(cluster);
      }
    }
  }
  std::vector<uint64_t> cluster_thresholds(snapshot_.clusters_.size(), 0);
  for (uint32_t config = 0; config < snapshot_.configs_.size(); ++config) {
    IndexConfig(config, cluster_thresholds);
  }
  CollectThresholds(cluster_thresholds);
}

// Registers one configuration with every endpoint that it routes to, and raises the thresholds of its clusters.
void Snapshot::Builder::IndexConfig(uint32_t config, std::vector<uint64_t>& cluster_thresholds) {
  for (const CompiledRoute& route : snapshot_.configs_[config].routes) {
    uint64_t threshold = 0;
    for (const uint32_t rule : route.rules) {
      threshold = std::max(threshold, snapshot_.rules_[rule].tap_threshold);
    }
    for (const uint32_t cluster : route.clusters) {
      cluster_thresholds[cluster] = std::max(cluster_thresholds[cluster], threshold);
      for (const ClusterEndpoint& endpoint : snapshot_.clusters_[cluster].endpoints) {
        std::vector<uint32_t>& configs = snapshot_.by_endpoint_[endpoint.address].configs;
        if (configs.empty() || configs.back() != config) {
          configs.push_back(config);
        }
      }
    }
  }
}

void Snapshot::Builder::CollectThresholds(const std::vector<uint64_t>& cluster_thresholds) {
  for (const auto& [address, entry] : snapshot_.by_endpoint_) {
    uint64_t threshold = 0;
    for (const uint32_t cluster : entry.clusters) {
      threshold = std::max(threshold, cluster_thresholds[cluster]);
    }
    if (threshold > 0) {
      snapshot_.endpoints_.push_back(EndpointThreshold{address, threshold});
    }
  }
  // Sorted, so that two snapshots of the same routes tell the tap the same.
  std::sort(snapshot_.endpoints_.begin(), snapshot_.endpoints_.end(),
            [](const EndpointThreshold& a, const EndpointThreshold& b) { return a.address < b.address; });
}

Result<std::shared_ptr<const Snapshot>> Snapshot::Build(const RouteSet& routes) {
  std::shared_ptr<Snapshot> snapshot(new Snapshot());
  snapshot->source_ = std::make_shared<const RouteSet>(routes);
  const Status built = Builder(*snapshot).Run();
  if (!built) {
    return tl::unexpected(built.error());
  }
  return snapshot;
}

}  // namespace rpctee::route
