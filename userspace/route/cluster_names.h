// Clusters by name, for the texts about a snapshot. Any thread; points into the snapshot, which must outlive it.
#pragma once

#include <string_view>
#include <unordered_map>

#include "route/snapshot.h"

namespace rpctee::route {

class ClusterNames {
 public:
  explicit ClusterNames(const Snapshot& snapshot) {
    for (const Cluster& cluster : snapshot.clusters()) {
      by_name_.emplace(cluster.name, &cluster);
    }
  }
  // Every cluster that a route of the snapshot names is there.
  const std::vector<ClusterEndpoint>& Endpoints(std::string_view name) const { return by_name_.at(name)->endpoints; }

 private:
  std::unordered_map<std::string_view, const Cluster*> by_name_;
};

}  // namespace rpctee::route
