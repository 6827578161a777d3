#include "route/describe.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "route/cluster_names.h"

namespace rpctee::route {
namespace {

using Json = nlohmann::ordered_json;

std::string Dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

// With quotes, and control characters escaped as in JSON.
std::string Quoted(const std::string& text) { return Dump(Json(text)); }

std::string Escaped(const std::string& text) {
  const std::string quoted = Quoted(text);
  return quoted.substr(1, quoted.size() - 2);
}

std::string_view KindName(FieldMatch::Kind kind) {
  switch (kind) {
    case FieldMatch::Kind::kExact:
      return "exact";
    case FieldMatch::Kind::kPrefix:
      return "prefix";
    case FieldMatch::Kind::kSuffix:
      return "suffix";
    case FieldMatch::Kind::kContains:
      return "contains";
    case FieldMatch::Kind::kRegex:
      return "regex";
    case FieldMatch::Kind::kRange:
      return "range";
    case FieldMatch::Kind::kPresent:
      return "present";
  }
  return "unknown";
}

std::string Condition(const FieldMatch& match) {
  switch (match.kind) {
    case FieldMatch::Kind::kExact:
      return "is " + Quoted(match.text);
    case FieldMatch::Kind::kPrefix:
      return "starts with " + Quoted(match.text);
    case FieldMatch::Kind::kSuffix:
      return "ends with " + Quoted(match.text);
    case FieldMatch::Kind::kContains:
      return "contains " + Quoted(match.text);
    case FieldMatch::Kind::kRegex:
      return "matches " + Quoted(match.text);
    case FieldMatch::Kind::kRange:
      return "is a number from " + std::to_string(match.range_start) + " to below " + std::to_string(match.range_end);
    case FieldMatch::Kind::kPresent:
      return match.present ? "is present" : "is absent";
  }
  return "";
}

std::string Conditions(const Route& route) {
  std::string text;
  for (const FieldMatch& match : route.matches) {
    text += (text.empty() ? "" : ", and ") + ToString(match);
  }
  return text.empty() ? "every request" : text;
}

std::string EndpointText(const std::vector<ClusterEndpoint>& endpoints) {
  std::string text;
  for (const ClusterEndpoint& endpoint : endpoints) {
    text += (text.empty() ? "" : ", ") + endpoint.address.ToString();
    text += endpoint.weight == 1 ? "" : " weight " + std::to_string(endpoint.weight);
    text += endpoint.healthy ? "" : " (unhealthy)";
  }
  return text.empty() ? "no endpoints" : text;
}

std::string List(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + Escaped(name);
  }
  return text;
}

std::string AttachmentsText(const std::vector<Attachment>& attachments) {
  std::string text;
  for (const Attachment& one : attachments) {
    text += (text.empty() ? "" : ", ") + Escaped(one.key) + ": " + Quoted(one.value);
  }
  return text;
}

// What is special about the copies of a rule, a line each.
std::string CopiesText(const Route& route, const MirrorPolicy& mirror) {
  const CopyPolicy& policy = mirror.policy;
  std::string text;
  const auto line = [&text](const std::string& what) { text += "             " + what + "\n"; };
  if (!route.mutation.empty()) {
    line("with, as the proxy sets, " + AttachmentsText(route.mutation));
  }
  if (!policy.attachments.empty()) {
    line("with " + AttachmentsText(policy.attachments));
  }
  if (policy.oneway) {
    line("asking for no answer");
  }
  if (!policy.deny_methods.empty()) {
    line("not of methods " + List(policy.deny_methods));
  }
  if (!policy.allow_by_default) {
    line(policy.allow_methods.empty() ? "of no method" : "only of methods " + List(policy.allow_methods));
  }
  if (!policy.sample_by.empty()) {
    line("sampled by attachment " + Escaped(policy.sample_by) + ": the tap takes every request, the agent decides");
  }
  if (policy.max_requests_per_second != 0) {
    line("at most " + std::to_string(policy.max_requests_per_second) + " a second");
  }
  if (policy.max_bytes_per_second != 0) {
    line("at most " + std::to_string(policy.max_bytes_per_second) + " bytes a second");
  }
  if (policy.load_balancing) {
    line("balanced by " + std::string(Name(*policy.load_balancing)));
  }
  if (policy.dry_run) {
    line("dry run: counted, not sent");
  }
  return text;
}

std::string MarkText(const Mark& mark) {
  if (mark.attachment.empty()) {
    return "";
  }
  return "mark: " + AttachmentsText({{mark.attachment, mark.value}}) +
         (mark.required ? " (what can't be marked is not sent)\n" : " (what can't be marked is sent without)\n");
}

std::string RouteText(const Route& route, size_t position, const ClusterNames& names) {
  std::string text = "  route " + Escaped(RouteLabel(route, position)) + "\n";
  text += "    when     " + Conditions(route) + "\n";
  for (const std::string& cluster : route.clusters) {
    text += "    goes to  " + Escaped(cluster) + ": " + EndpointText(names.Endpoints(cluster)) + "\n";
  }
  for (const MirrorPolicy& mirror : route.mirrors) {
    text += "    mirrors  " + mirror.share.ToString() + " to " + Escaped(mirror.cluster) + ": " +
            EndpointText(names.Endpoints(mirror.cluster)) + "\n" + CopiesText(route, mirror);
  }
  return text + (route.mirrors.empty() ? "    mirrors  nothing\n" : "");
}

Json MatchJson(const FieldMatch& match) {
  Json json = {{"field", match.name}, {"kind", KindName(match.kind)}};
  if (match.kind == FieldMatch::Kind::kRange) {
    json["start"] = match.range_start;
    json["end"] = match.range_end;
  } else if (match.kind == FieldMatch::Kind::kPresent) {
    json["present"] = match.present;
  } else {
    json["value"] = match.text;
  }
  json["ignore_case"] = match.ignore_case;
  json["invert"] = match.invert;
  json["treat_missing_as_empty"] = match.treat_missing_as_empty;
  return json;
}

Json EndpointsJson(const std::vector<ClusterEndpoint>& endpoints) {
  Json json = Json::array();
  for (const ClusterEndpoint& endpoint : endpoints) {
    json.push_back(
        {{"address", endpoint.address.ToString()}, {"weight", endpoint.weight}, {"healthy", endpoint.healthy}});
  }
  return json;
}

Json AttachmentsJson(const std::vector<Attachment>& attachments) {
  Json json = Json::object();
  for (const Attachment& one : attachments) {
    json[one.key] = one.value;
  }
  return json;
}

Json PolicyJson(const CopyPolicy& policy) {
  return {{"attachments", AttachmentsJson(policy.attachments)},
          {"oneway", policy.oneway},
          {"allow_methods", policy.allow_methods},
          {"deny_methods", policy.deny_methods},
          {"default", policy.allow_by_default ? "allow" : "deny"},
          {"sample_by", policy.sample_by},
          {"max_requests_per_second", policy.max_requests_per_second},
          {"max_bytes_per_second", policy.max_bytes_per_second},
          {"dry_run", policy.dry_run},
          {"load_balancing", policy.load_balancing ? Json(Name(*policy.load_balancing)) : Json()}};
}

Json RouteJson(const Route& route, size_t position, const ClusterNames& names) {
  Json matches = Json::array();
  for (const FieldMatch& match : route.matches) {
    matches.push_back(MatchJson(match));
  }
  Json clusters = Json::array();
  for (const std::string& cluster : route.clusters) {
    clusters.push_back({{"name", cluster}, {"endpoints", EndpointsJson(names.Endpoints(cluster))}});
  }
  Json mirrors = Json::array();
  for (const MirrorPolicy& mirror : route.mirrors) {
    mirrors.push_back({{"cluster", mirror.cluster},
                       {"share", mirror.share.ToString()},
                       {"share_millionths", mirror.share.millionths},
                       {"endpoints", EndpointsJson(names.Endpoints(mirror.cluster))},
                       {"policy", PolicyJson(mirror.policy)}});
  }
  return {{"name", RouteLabel(route, position)}, {"origin", route.origin.ToString()},
          {"matches", std::move(matches)},       {"clusters", std::move(clusters)},
          {"mirrors", std::move(mirrors)},       {"mutation", AttachmentsJson(route.mutation)}};
}

}  // namespace

std::string ToString(const FieldMatch& match) {
  std::string text = match.invert ? "not: " : "";
  text += Escaped(match.name) + " " + Condition(match);
  const bool compares_text = match.kind != FieldMatch::Kind::kRegex && match.kind != FieldMatch::Kind::kRange &&
                             match.kind != FieldMatch::Kind::kPresent;
  text += match.ignore_case && compares_text ? " (in any case)" : "";
  return text + (match.treat_missing_as_empty ? " (missing counts as empty)" : "");
}

std::string Describe(const Snapshot& snapshot) {
  const ClusterNames names(snapshot);
  std::string text = MarkText(snapshot.mark());
  for (const RouteConfig& config : snapshot.source().configs) {
    const std::string origin = config.origin.ToString();
    text += "config " + Escaped(config.name) + ", interface " + Escaped(config.interface_name) +
            (origin.empty() ? "" : "  [" + Escaped(origin) + "]") + "\n";
    for (size_t position = 0; position < config.routes.size(); ++position) {
      text += RouteText(config.routes[position], position, names);
    }
  }
  text += "watched: ";
  if (snapshot.endpoints().empty()) {
    text += "nothing";
  }
  for (const EndpointThreshold& endpoint : snapshot.endpoints()) {
    text += (&endpoint == &snapshot.endpoints().front() ? "" : ", ") + endpoint.address.ToString();
  }
  return text + "\n";
}

std::string DescribeJson(const Snapshot& snapshot) {
  const ClusterNames names(snapshot);
  Json configs = Json::array();
  for (const RouteConfig& config : snapshot.source().configs) {
    Json routes = Json::array();
    for (size_t position = 0; position < config.routes.size(); ++position) {
      routes.push_back(RouteJson(config.routes[position], position, names));
    }
    configs.push_back({{"name", config.name},
                       {"interface", config.interface_name},
                       {"origin", config.origin.ToString()},
                       {"routes", std::move(routes)}});
  }
  Json endpoints = Json::array();
  for (const EndpointThreshold& endpoint : snapshot.endpoints()) {
    endpoints.push_back({{"address", endpoint.address.ToString()}, {"threshold", endpoint.threshold}});
  }
  const Mark& mark = snapshot.mark();
  return Dump({{"configs", std::move(configs)},
               {"endpoints", std::move(endpoints)},
               {"concerns", Concerns(snapshot)},
               {"mark", {{"attachment", mark.attachment}, {"value", mark.value}, {"required", mark.required}}}});
}

}  // namespace rpctee::route
