// What our own configuration, and the route itself, say about the copies that a mirror rule makes.
//
// Plain values, written by `control`, read by Snapshot::Build; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "protocol/additions.h"
#include "route/origin.h"

namespace rpctee::route {

struct RouteSet;

using protocol::Attachment;

// Which endpoint of a cluster gets a copy.
enum class LoadBalancing : uint8_t { kRoundRobin, kLeastRequest, kRandom, kRingHash };
std::string_view Name(LoadBalancing balancing);

// By what a copy is known, so that nobody copies it again. Without an attachment's name copies are not marked.
struct Mark {
  std::string attachment;
  std::string value;
  bool required = false;  // a copy that can't be marked is not sent

  bool operator==(const Mark&) const = default;
};

struct CopyPolicy {
  std::vector<Attachment> attachments = {};
  bool oneway = false;  // the copy asks for no answer
  // Patterns (pattern.h) of "method" or "interface.method"; those that deny come first.
  std::vector<std::string> allow_methods = {};
  std::vector<std::string> deny_methods = {};
  bool allow_by_default = true;          // methods that no pattern fits
  std::string sample_by = {};            // the attachment whose value decides, instead of a draw for each request
  uint32_t max_requests_per_second = 0;  // 0 = no limit
  uint64_t max_bytes_per_second = 0;     // 0 = no limit
  bool dry_run = false;                  // count, do not send
  std::optional<LoadBalancing> load_balancing = std::nullopt;  // instead of what the mirror cluster has

  bool operator==(const CopyPolicy&) const = default;
};

// A policy and the rules that it is for, by patterns of their names.
struct MatchedPolicy {
  std::string config = "*";
  std::string route = "*";  // or its number, "#1"
  std::string cluster = "*";
  CopyPolicy policy;
  Origin origin;
};

// Why copies can't get these, if they can't.
Status CheckAttachments(const std::vector<Attachment>& attachments);

// Gives each mirror rule the first policy that fits it, and notes the policies that no rule got.
void ApplyPolicies(const std::vector<MatchedPolicy>& policies, RouteSet& routes);

}  // namespace rpctee::route
