#include "route/snapshot.h"

#include <algorithm>

#include "route/keyed_draw.h"
#include "route/text.h"

namespace rpctee::route {
namespace {

MatchResult TestAll(const std::vector<Matcher>& matchers, protocol::RequestView& request) {
  MatchResult result = MatchResult::kMatch;
  for (const Matcher& matcher : matchers) {
    const MatchResult one = matcher.Test(request);
    if (one == MatchResult::kNoMatch) {
      return one;  // a certain no, whatever the fields that can't be read would say
    }
    if (one == MatchResult::kUndecodable) {
      result = one;
    }
  }
  return result;
}

// Without the key that a rule samples by, the kernel's draw decides.
uint32_t DrawFor(const Rule& rule, protocol::RequestView& request, uint32_t draw) {
  if (rule.policy.sample_by.empty()) {
    return draw;
  }
  const protocol::FieldValue key = request.Field(rule.policy.sample_by);
  const bool is_there = key.status == protocol::FieldValue::Status::kPresent && !key.value.empty();
  return is_there ? KeyedDraw(key.value) : draw;
}

bool Intersect(const std::vector<uint32_t>& left, const std::vector<uint32_t>& right) {
  auto a = left.begin();
  auto b = right.begin();
  while (a != left.end() && b != right.end()) {
    if (*a == *b) {
      return true;
    }
    *a < *b ? ++a : ++b;
  }
  return false;
}

}  // namespace

const Snapshot::CompiledRoute* Snapshot::FirstMatch(const CompiledConfig& config, protocol::RequestView& request,
                                                    bool& undecodable) {
  for (const CompiledRoute& route : config.routes) {
    const MatchResult result = TestAll(route.matchers, request);
    if (result == MatchResult::kMatch) {
      return &route;
    }
    undecodable = undecodable || result == MatchResult::kUndecodable;
  }
  return nullptr;
}

const Snapshot::CompiledRoute* Snapshot::FindRoute(const EndpointEntry& entry, protocol::RequestView& request,
                                                   bool& undecodable) const {
  if (entry.configs.size() == 1) {  // usual, and then the interface decides nothing: it is not even looked up
    return FirstMatch(configs_[entry.configs.front()], request, undecodable);
  }
  const protocol::FieldValue interface = request.Field("interface");
  if (interface.status == protocol::FieldValue::Status::kPresent && !interface.value.empty()) {
    bool any_equal = false;
    for (const uint32_t index : entry.configs) {
      const CompiledConfig& config = configs_[index];
      if (!EqualsFolded(interface.value, config.interface_name)) {
        continue;
      }
      any_equal = true;
      if (const CompiledRoute* route = FirstMatch(config, request, undecodable)) {
        return route;
      }
    }
    if (any_equal) {
      return nullptr;
    }
  }
  for (const uint32_t index : entry.configs) {
    if (const CompiledRoute* route = FirstMatch(configs_[index], request, undecodable)) {
      return route;
    }
  }
  return nullptr;
}

void Snapshot::Apply(const CompiledRoute& route, protocol::RequestView& request, uint32_t draw,
                     Decision& decision) const {
  bool any_share = false;
  for (const uint32_t id : route.rules) {
    const Rule& rule = rules_[id];
    any_share = any_share || rule.threshold > 0;
    if (DrawFor(rule, request, draw) < rule.threshold) {
      decision.rules.push_back(&rule);
    }
  }
  if (!decision.rules.empty()) {
    decision.kind = Decision::Kind::kMirror;
  } else if (any_share) {
    decision.kind = Decision::Kind::kNotSampled;
  }
}

void Snapshot::Decide(const SocketAddress& endpoint, protocol::RequestView& request, uint32_t draw,
                      Decision& decision) const {
  decision.kind = Decision::Kind::kNoRoute;
  decision.rules.clear();
  const auto entry = by_endpoint_.find(endpoint);
  if (entry == by_endpoint_.end()) {
    return;
  }
  bool undecodable = false;
  const CompiledRoute* route = FindRoute(entry->second, request, undecodable);
  if (route == nullptr) {
    decision.kind = undecodable ? Decision::Kind::kUndecodable : Decision::Kind::kNoRoute;
    return;
  }
  // The proxies would have sent this request elsewhere. We saw where it really went, so the rule isn't about it.
  if (Intersect(route->clusters, entry->second.clusters)) {
    Apply(*route, request, draw, decision);
  }
}

uint64_t Snapshot::ThresholdOf(const SocketAddress& endpoint) const {
  const auto position = std::lower_bound(
      endpoints_.begin(), endpoints_.end(), endpoint,
      [](const EndpointThreshold& known, const SocketAddress& wanted) { return known.address < wanted; });
  return position != endpoints_.end() && position->address == endpoint ? position->threshold : 0;
}

}  // namespace rpctee::route
