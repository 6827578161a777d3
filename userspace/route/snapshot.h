// The routes as the worker uses them: compiled, indexed by endpoint, and immutable.
//
// Built on the control thread, then shared read-only by any number of threads and swapped whole. Contract on shares and
// first match: docs/routes.md.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "protocol/additions.h"
#include "protocol/codec.h"
#include "route/matcher.h"
#include "route/method_filter.h"
#include "route/route_set.h"

namespace rpctee::route {

// One mirror policy of one route, ready to use. `id` indexes Snapshot::rules().
struct Rule {
  uint32_t id = 0;
  std::string config;  // name of the route configuration
  std::string route;   // name of the route, or "#<position>" when it has none
  std::string cluster;
  Share share;
  uint64_t threshold = 0;
  uint64_t tap_threshold = 0;  // the same, but everything where only the agent can know the key to sample by
  uint32_t cluster_index = 0;  // into Snapshot::clusters()
  // The fields whose hash says which endpoint gets the copy; empty where the cluster does not ask for it.
  std::vector<std::string> hash_policy{};
  CopyPolicy policy;
  MethodFilter methods;
  protocol::Additions additions;  // to each copy: the route's, the policy's, and the mark
};

// What the tap must be told about one endpoint.
struct EndpointThreshold {
  SocketAddress address;
  uint64_t threshold = 0;  // the largest of all rules that may apply there

  bool operator==(const EndpointThreshold&) const = default;
};

struct Decision {
  enum class Kind : uint8_t { kMirror, kNotSampled, kNoRoute, kUndecodable };
  Kind kind = Kind::kNoRoute;
  // For kMirror: the rules whose threshold is above their draw, one copy each. Cleared and filled by Decide.
  std::vector<const Rule*> rules;
};

class Snapshot {
 public:
  // Fails with the origin of what can't be compiled (a bad regular expression). A mirror cluster or route cluster that
  // no load assignment names is kept, with no endpoints.
  static Result<std::shared_ptr<const Snapshot>> Build(const RouteSet& routes);

  // What the snapshot was built from, for people (describe.h).
  const RouteSet& source() const { return *source_; }
  // Every endpoint of a cluster that some route with a mirror share above zero sends production traffic to, by address.
  const std::vector<EndpointThreshold>& endpoints() const { return endpoints_; }
  // Of one endpoint: 0 when nothing is mirrored from there.
  uint64_t ThresholdOf(const SocketAddress& endpoint) const;
  const std::vector<Rule>& rules() const { return rules_; }
  // Every cluster that was given or is named by a route; one entry a name.
  const std::vector<Cluster>& clusters() const { return clusters_; }
  const Mark& mark() const { return source_->mark; }

  // Which rules apply to a request that went to `endpoint` with this draw of the kernel's. Reuses the storage in
  // `decision`, whose rules point into this snapshot.
  void Decide(const SocketAddress& endpoint, protocol::RequestView& request, uint32_t draw, Decision& decision) const;

 private:
  class Builder;

  struct CompiledRoute {
    std::vector<Matcher> matchers;
    std::vector<uint32_t> clusters;  // sorted
    std::vector<uint32_t> rules;
  };
  struct CompiledConfig {
    std::string interface_name;  // lower case
    std::vector<CompiledRoute> routes;
  };
  struct EndpointEntry {
    std::vector<uint32_t> clusters;  // sorted: the clusters that contain it
    std::vector<uint32_t> configs;   // the configurations that route to one of them, in order
  };

  Snapshot() = default;
  const CompiledRoute* FindRoute(const EndpointEntry& entry, protocol::RequestView& request, bool& undecodable) const;
  static const CompiledRoute* FirstMatch(const CompiledConfig& config, protocol::RequestView& request,
                                         bool& undecodable);
  void Apply(const CompiledRoute& route, protocol::RequestView& request, uint32_t draw, Decision& decision) const;

  std::shared_ptr<const RouteSet> source_;
  std::vector<CompiledConfig> configs_;
  std::vector<Rule> rules_;
  std::vector<Cluster> clusters_;
  std::unordered_map<SocketAddress, EndpointEntry> by_endpoint_;
  std::vector<EndpointThreshold> endpoints_;
};

}  // namespace rpctee::route
