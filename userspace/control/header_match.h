// Envoy's HeaderMatcher as a condition on a field of a request.
//
// Control thread; no state.
#pragma once

#include <optional>

#include "control/reporter.h"
#include "route/route_set.h"

namespace envoy::config::route::v3 {
class HeaderMatcher;
}

namespace rpctee::control {

// Nothing, after a warning, for a matcher that Envoy would refuse too: no name, or an empty prefix, suffix or pattern.
// Keys that the type does not know are the caller's to look for (Reporter::HasUnsupported).
std::optional<route::FieldMatch> ToFieldMatch(const envoy::config::route::v3::HeaderMatcher& matcher,
                                              const Reporter& reporter);

}  // namespace rpctee::control
