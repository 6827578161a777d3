#include "agent/replies_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace rpctee::agent {
namespace {

using Json = nlohmann::ordered_json;
using tap::EndpointReplies;

std::set<SocketAddress> EndpointsOf(const route::Snapshot& snapshot, const route::Route& route) {
  std::set<SocketAddress> addresses;
  for (const route::Cluster& cluster : snapshot.clusters()) {
    if (std::find(route.clusters.begin(), route.clusters.end(), cluster.name) == route.clusters.end()) {
      continue;
    }
    for (const route::ClusterEndpoint& endpoint : cluster.endpoints) {
      addresses.insert(endpoint.address);
    }
  }
  return addresses;
}

void Add(EndpointReplies& sum, const EndpointReplies& one) {
  sum.asked += one.asked;
  sum.ok += one.ok;
  sum.exception += one.exception;
  sum.error += one.error;
  sum.unframed_bytes += one.unframed_bytes;
  sum.latency += one.latency;
}

// What became of a rule's copies, in the primary's terms: a copy was asked when it was sent, and the one-way ones,
// which the primary's side does not have, are left out.
EndpointReplies MirrorsOf(const RuleName& rule, const std::vector<RuleCounts>& copies) {
  EndpointReplies sum;
  for (const RuleCounts& row : copies) {
    if (row.rule != rule) {
      continue;
    }
    const auto count = [&row](CopyOutcome outcome) { return row.ends.at(static_cast<size_t>(outcome)); };
    sum.asked += row.sent - std::min(row.sent, count(CopyOutcome::oneway_sent));
    sum.ok += count(CopyOutcome::answered_ok);
    sum.exception += count(CopyOutcome::answered_exception);
    sum.error += count(CopyOutcome::answered_error);
    sum.latency += row.latency;
  }
  return sum;
}

// Counts that are read while the program goes on may be an answer apart.
uint64_t Unanswered(const EndpointReplies& replies) {
  const uint64_t answered = replies.ok + replies.exception + replies.error;
  return replies.asked - std::min(replies.asked, answered);
}

std::string Milliseconds(double us) { return fmt::format("{:.3g} ms", us / 1000); }

std::string Figures(const EndpointReplies& replies, double seconds) {
  std::string text = fmt::format("{} asked ({:.3g}/s), {} ok, {} exception, {} error, {} unanswered", replies.asked,
                                 static_cast<double>(replies.asked) / seconds, replies.ok, replies.exception,
                                 replies.error, Unanswered(replies));
  if (replies.latency.count() != 0) {
    text += fmt::format("; p50 {}, p90 {}, p99 {}", Milliseconds(replies.latency.QuantileUs(0.5)),
                        Milliseconds(replies.latency.QuantileUs(0.9)), Milliseconds(replies.latency.QuantileUs(0.99)));
  }
  return replies.unframed_bytes == 0 ? text : fmt::format("{}; {} bytes unframed", text, replies.unframed_bytes);
}

Json ToJson(const EndpointReplies& replies, double seconds) {
  const auto quantile = [&](double share) { return static_cast<uint64_t>(replies.latency.QuantileUs(share)); };
  return {{"asked", replies.asked},
          {"per_second", static_cast<double>(replies.asked) / seconds},
          {"ok", replies.ok},
          {"exception", replies.exception},
          {"error", replies.error},
          {"unanswered", Unanswered(replies)},
          {"unframed_bytes", replies.unframed_bytes},
          {"p50_us", quantile(0.5)},
          {"p90_us", quantile(0.9)},
          {"p99_us", quantile(0.99)}};
}

}  // namespace

RepliesView::RepliesView(const route::Snapshot& snapshot, const std::vector<EndpointReplies>& endpoints,
                         const std::vector<RuleCounts>& copies, Duration since)
    : seconds_(std::max(std::chrono::duration<double>(since).count(), 1e-3)) {
  if (endpoints.empty()) {
    return;
  }
  // Rules are numbered in this order.
  auto rule = snapshot.rules().begin();
  for (const route::RouteConfig& config : snapshot.source().configs) {
    for (const route::Route& route : config.routes) {
      const std::set<SocketAddress> own = EndpointsOf(snapshot, route);
      for (size_t i = 0; i < route.mirrors.size(); ++i, ++rule) {
        Rule& added = rules_.emplace_back(Rule{.config = rule->config, .route = rule->route, .cluster = rule->cluster});
        added.mirrors = MirrorsOf({rule->config, rule->route, rule->cluster}, copies);
        std::copy_if(endpoints.begin(), endpoints.end(), std::back_inserter(added.endpoints),
                     [&](const EndpointReplies& replies) { return own.contains(replies.endpoint); });
        for (const EndpointReplies& replies : added.endpoints) {
          Add(added.sum, replies);
        }
      }
    }
  }
  CountSharing();
}

void RepliesView::CountSharing() {
  std::map<SocketAddress, size_t> rules_of;
  for (const Rule& rule : rules_) {
    for (const EndpointReplies& replies : rule.endpoints) {
      ++rules_of[replies.endpoint];
    }
  }
  for (Rule& rule : rules_) {
    for (const EndpointReplies& replies : rule.endpoints) {
      rule.sharing = std::max(rule.sharing, rules_of[replies.endpoint]);
    }
  }
}

std::string RepliesView::ToText() const {
  if (rules_.empty()) {
    return "";
  }
  std::string text =
      "  answers (v1: to all requests drawn at its endpoints, of whatever rule; v2: to the rule's own copies)\n";
  for (const Rule& rule : rules_) {
    text += fmt::format(
        "  {} {} -> {}\n    v1 {}{}\n    v2 {}\n", rule.config, rule.route, rule.cluster, Figures(rule.sum, seconds_),
        rule.sharing > 1 ? fmt::format("; shared by {} rules", rule.sharing) : "", Figures(rule.mirrors, seconds_));
    for (const EndpointReplies& replies : rule.endpoints) {
      text += fmt::format("      {} {}\n", replies.endpoint.ToString(), Figures(replies, seconds_));
    }
  }
  return text;
}

std::string RepliesView::AddToJson(std::string ledger_json) const {
  if (rules_.empty()) {
    return ledger_json;
  }
  Json rules = Json::array();
  for (const Rule& rule : rules_) {
    Json endpoints = Json::object();
    for (const EndpointReplies& replies : rule.endpoints) {
      endpoints[replies.endpoint.ToString()] = ToJson(replies, seconds_);
    }
    rules.push_back({{"config", rule.config},
                     {"route", rule.route},
                     {"mirror_cluster", rule.cluster},
                     {"v1", ToJson(rule.sum, seconds_)},
                     {"v2", ToJson(rule.mirrors, seconds_)},
                     {"rules_of_v1_endpoints", rule.sharing},
                     {"v1_endpoints", endpoints}});
  }
  ledger_json.pop_back();
  return ledger_json + ",\"replies\":" + rules.dump(-1, ' ', false, Json::error_handler_t::replace) + "}";
}

}  // namespace rpctee::agent
