#include "control/traffic_policy.h"

#include "istio/networking/v1alpha3/destination_rule.pb.h"

namespace rpctee::control {
namespace {

using istio::networking::v1alpha3::LoadBalancerSettings;
using route::LoadBalancing;

Balance Simple(const LoadBalancerSettings& settings, const Reporter& reporter) {
  switch (settings.simple()) {
    case LoadBalancerSettings::LEAST_CONN:
    case LoadBalancerSettings::LEAST_REQUEST:
      return {LoadBalancing::kLeastRequest, ""};
    case LoadBalancerSettings::RANDOM:
      return {LoadBalancing::kRandom, ""};
    case LoadBalancerSettings::UNSPECIFIED:
    case LoadBalancerSettings::ROUND_ROBIN:
      break;
    default:
      reporter.Warn(settings, "this choice has no meaning for copies: they go round robin");
  }
  return {LoadBalancing::kRoundRobin, ""};
}

}  // namespace

std::optional<Balance> ToBalance(const istio::networking::v1alpha3::TrafficPolicy& policy, const Reporter& reporter) {
  const LoadBalancerSettings& settings = policy.load_balancer();
  switch (settings.lb_policy_case()) {
    case LoadBalancerSettings::kSimple:
      return Simple(settings, reporter);
    case LoadBalancerSettings::kConsistentHash:
      if (settings.consistent_hash().http_header_name().empty()) {
        reporter.Warn(settings.consistent_hash(),
                      "only httpHeaderName can name what copies are hashed by; without it they go round robin");
        return Balance{};
      }
      return Balance{LoadBalancing::kRingHash, settings.consistent_hash().http_header_name()};
    case LoadBalancerSettings::LB_POLICY_NOT_SET:
      break;
  }
  return std::nullopt;
}

}  // namespace rpctee::control
