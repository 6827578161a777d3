#include "route/copy_policy.h"

#include <algorithm>

#include "route/pattern.h"
#include "route/route_set.h"

namespace rpctee::route {

std::string_view Name(LoadBalancing balancing) {
  switch (balancing) {
    case LoadBalancing::kRoundRobin:
      return "round_robin";
    case LoadBalancing::kLeastRequest:
      return "least_request";
    case LoadBalancing::kRandom:
      return "random";
    case LoadBalancing::kRingHash:
      return "ring_hash";
  }
  return "unknown";
}

Status CheckAttachments(const std::vector<Attachment>& attachments) {
  const Result<protocol::Additions> made = protocol::Additions::Make(attachments);
  return made ? Status() : tl::unexpected(made.error());
}

void ApplyPolicies(const std::vector<MatchedPolicy>& policies, RouteSet& routes) {
  for (RouteConfig& config : routes.configs) {
    for (size_t position = 0; position < config.routes.size(); ++position) {
      const std::string label = RouteLabel(config.routes[position], position);
      for (MirrorPolicy& mirror : config.routes[position].mirrors) {
        const auto fits = [&](const MatchedPolicy& one) {
          return MatchesPattern(one.config, config.name) && MatchesPattern(one.route, label) &&
                 MatchesPattern(one.cluster, mirror.cluster);
        };
        const auto policy = std::find_if(policies.begin(), policies.end(), fits);
        if (policy != policies.end()) {
          mirror.policy = policy->policy;
        }
      }
    }
  }
}

}  // namespace rpctee::route
