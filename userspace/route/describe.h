// What a snapshot will do, in words: for `rpctee check` and the log. Pure functions; any thread.
//
// Names come from configuration that others wrote, so they are printed with control characters escaped.
#pragma once

#include <string>
#include <vector>

#include "route/snapshot.h"

namespace rpctee::route {

// Several lines: for each configuration and route its conditions, clusters, mirrors and their endpoints.
std::string Describe(const Snapshot& snapshot);

// The same as one JSON object: {"configs":[...],"endpoints":[...],"concerns":[...]}.
std::string DescribeJson(const Snapshot& snapshot);

// Facts that are allowed but hardly meant, one sentence each: a mirror that can't get anything, a route that can't be
// tapped, copies that go back to the same pods, routes that no request reaches, policies that no mirror rule has.
std::vector<std::string> Concerns(const Snapshot& snapshot);

// One condition: `method starts with "say"`, `not: group is present`.
std::string ToString(const FieldMatch& match);

}  // namespace rpctee::route
