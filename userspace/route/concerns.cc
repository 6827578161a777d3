#include <algorithm>

#include "route/cluster_names.h"
#include "route/describe.h"

namespace rpctee::route {
namespace {

class ConcernFinder {
 public:
  explicit ConcernFinder(const Snapshot& snapshot) : names_(snapshot) {}

  void Look(const RouteConfig& config) {
    bool all_taken = false;
    for (size_t position = 0; position < config.routes.size(); ++position) {
      const Route& route = config.routes[position];
      where_ = route.origin.ToString();
      where_ += (where_.empty() ? "route '" : ": route '") + RouteLabel(route, position) + "' of '" + config.name + "'";
      LookAtRoute(route, all_taken);
      all_taken = all_taken || route.matches.empty();
    }
  }

  std::vector<std::string> found;

 private:
  void Say(const std::string& fact) { found.push_back(where_ + ": " + fact); }

  void LookAtRoute(const Route& route, bool all_taken) {
    const bool mirrors = std::any_of(route.mirrors.begin(), route.mirrors.end(),
                                     [](const MirrorPolicy& mirror) { return mirror.share.Threshold() > 0; });
    if (!mirrors) {
      return;
    }
    if (all_taken) {
      Say("an earlier route takes every request, so nothing reaches this one");
    }
    if (route.clusters.empty()) {
      Say("the route names no cluster, so there is nothing to mirror from");
    }
    for (const std::string& cluster : route.clusters) {
      if (names_.Endpoints(cluster).empty()) {
        Say("cluster '" + cluster + "' has no endpoints, so none of its requests can be seen");
      }
    }
    for (const MirrorPolicy& mirror : route.mirrors) {
      if (mirror.share.Threshold() > 0) {
        LookAtMirror(route, mirror);
      }
    }
  }

  void LookAtMirror(const Route& route, const MirrorPolicy& mirror) {
    const std::vector<ClusterEndpoint>& targets = names_.Endpoints(mirror.cluster);
    if (targets.empty()) {
      Say("mirror cluster '" + mirror.cluster + "' has no endpoints, so its copies have nowhere to go");
    } else if (std::none_of(targets.begin(), targets.end(),
                            [](const ClusterEndpoint& e) { return e.healthy && e.weight > 0; })) {
      Say("mirror cluster '" + mirror.cluster + "' has no healthy endpoint");
    }
    for (const std::string& cluster : route.clusters) {
      if (cluster == mirror.cluster) {
        Say("mirror cluster '" + mirror.cluster + "' is the route's own cluster, so its pods get requests twice");
      } else {
        LookForSharedPod(cluster, mirror.cluster);
      }
    }
  }

  void LookForSharedPod(const std::string& cluster, const std::string& mirror) {
    const std::vector<ClusterEndpoint>& targets = names_.Endpoints(mirror);
    for (const ClusterEndpoint& own : names_.Endpoints(cluster)) {
      const auto same = [&own](const ClusterEndpoint& target) { return target.address == own.address; };
      if (std::any_of(targets.begin(), targets.end(), same)) {
        Say("endpoint " + own.address.ToString() + " is both in cluster '" + cluster + "' and in mirror cluster '" +
            mirror + "', so it may get requests twice");
        return;
      }
    }
  }

  ClusterNames names_;
  std::string where_;
};

}  // namespace

std::vector<std::string> Concerns(const Snapshot& snapshot) {
  ConcernFinder finder(snapshot);
  for (const RouteConfig& config : snapshot.source().configs) {
    finder.Look(config);
  }
  const std::vector<std::string>& idle = snapshot.source().idle_policies;
  finder.found.insert(finder.found.end(), idle.begin(), idle.end());
  return std::move(finder.found);
}

}  // namespace rpctee::route
