// Routes and clusters as the control plane read them: plain data, before anything is compiled or indexed.
//
// Written by `control` (files, later xDS), read by Snapshot::Build. Any thread, as values.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/address.h"
#include "route/copy_policy.h"
#include "route/origin.h"
#include "route/share.h"

namespace rpctee::route {

// One condition on one field of a request: Envoy's HeaderMatcher over `interface`, `method` and attachments.
// The one difference: an empty kExact means an empty value. (Envoy's deprecated `exact_match: ""` means "present".)
struct FieldMatch {
  enum class Kind : uint8_t { kExact, kPrefix, kSuffix, kContains, kRegex, kRange, kPresent };
  std::string name;
  Kind kind = Kind::kExact;
  std::string text;         // kExact, kPrefix, kSuffix, kContains; the pattern of kRegex (full match, RE2 syntax)
  int64_t range_start = 0;  // kRange: start <= value < end, decimal
  int64_t range_end = 0;
  bool present = true;       // kPresent: whether the field must be there
  bool ignore_case = false;  // ASCII; has no effect on kRegex, as in Envoy
  bool invert = false;
  // Without it, a missing field fulfils only conditions on its presence, not even inverted ones on its value.
  bool treat_missing_as_empty = false;
};

struct MirrorPolicy {
  std::string cluster;
  Share share;
  Origin origin;
  CopyPolicy policy = {};
};

struct Route {
  std::string name;
  std::vector<FieldMatch> matches;    // all must hold; none = every request
  std::vector<std::string> clusters;  // where the route sends production traffic (one, or the weighted ones)
  std::vector<MirrorPolicy> mirrors;
  Origin origin;
  std::vector<std::string> hash_policy{};  // fields that a hash is made of, for clusters with ring hash
  std::vector<Attachment> mutation = {};   // what the proxy sets in requests, and so in their copies
};

// What people call this route: its name, or "#<position>" (from 1) when it has none.
std::string RouteLabel(const Route& route, size_t index);

// The routes of one host, in order.
struct RouteConfig {
  std::string name;            // "<host>_<port>", as Aeraki writes it
  std::string interface_name;  // the service's interface: the `interface` annotation, or the name before _<port>
  std::vector<Route> routes;
  Origin origin;
};

struct ClusterEndpoint {
  SocketAddress address;
  uint32_t weight = 1;  // 0 = gets no copies
  bool healthy = true;  // false = gets no copies

  bool operator==(const ClusterEndpoint&) const = default;
};

struct Cluster {
  std::string name;  // "outbound|<port>|<subset>|<host>"
  std::vector<ClusterEndpoint> endpoints;
  LoadBalancing load_balancing = LoadBalancing::kRoundRobin;
  std::string hash_field{};  // for ring hash, where the route has no hash policy of its own; empty = none

  bool operator==(const Cluster&) const = default;
};

struct RouteSet {
  std::vector<RouteConfig> configs;
  std::vector<Cluster> clusters;
  Mark mark = {};
  std::vector<std::string> idle_policies = {};  // those that apply to no mirror rule, a sentence each
};

}  // namespace rpctee::route
