#include "route/copy_policy.h"

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

namespace {

// Whether policies, by their number, are of use.
struct Use {
  std::vector<bool> fits;     // a rule
  std::vector<bool> applies;  // it was the first to fit
};

std::string DescribeIdle(const MatchedPolicy& policy, size_t number, bool fits) {
  const std::string where = policy.origin.ToString();
  const std::string name = where + (where.empty() ? "" : ": ") + "policies[" + std::to_string(number) + "]: ";
  return name + (fits ? "earlier policies apply to all mirror rules that fit it, so it does nothing"
                      : "no mirror rule fits it (config '" + policy.config + "', route '" + policy.route +
                            "', cluster '" + policy.cluster + "'), so it does nothing");
}

void Apply(const std::vector<MatchedPolicy>& policies, const RouteConfig& config, const std::string& label,
           MirrorPolicy& mirror, Use& use) {
  bool has_policy = false;
  for (size_t i = 0; i < policies.size(); ++i) {
    const MatchedPolicy& one = policies[i];
    if (!MatchesPattern(one.config, config.name) || !MatchesPattern(one.route, label) ||
        !MatchesPattern(one.cluster, mirror.cluster)) {
      continue;
    }
    use.fits[i] = true;
    if (!has_policy) {
      has_policy = use.applies[i] = true;
      mirror.policy = one.policy;
    }
  }
}

}  // namespace

void ApplyPolicies(const std::vector<MatchedPolicy>& policies, RouteSet& routes) {
  Use use{std::vector<bool>(policies.size()), std::vector<bool>(policies.size())};
  for (RouteConfig& config : routes.configs) {
    for (size_t position = 0; position < config.routes.size(); ++position) {
      const std::string label = RouteLabel(config.routes[position], position);
      for (MirrorPolicy& mirror : config.routes[position].mirrors) {
        Apply(policies, config, label, mirror, use);
      }
    }
  }
  for (size_t i = 0; i < policies.size(); ++i) {
    if (!use.applies[i]) {
      routes.idle_policies.push_back(DescribeIdle(policies[i], i, use.fits[i]));
    }
  }
}

}  // namespace rpctee::route
