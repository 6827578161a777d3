// What the proxies set in the requests of a route, which its copies get too.
//
// Control thread; no state.
#pragma once

#include <string>
#include <vector>

#include "control/reporter.h"
#include "route/copy_policy.h"

namespace envoy::config::route::v3 {
class Route;
class VirtualHost;
}  // namespace envoy::config::route::v3

namespace rpctee::control {

// Appends one; or warns, where no request could hold it. `part` is where it stands.
void AddMutation(const google::protobuf::Message& part, const std::string& key, const std::string& value,
                 const Reporter& reporter, std::vector<route::Attachment>& mutation);

// Those in Envoy's form. Values that the proxy would put together (%...%) and removals are left out with a warning.
void AddMutations(const envoy::config::route::v3::Route& proto, const Reporter& reporter,
                  std::vector<route::Attachment>& mutation);
void AddMutations(const envoy::config::route::v3::VirtualHost& proto, const Reporter& reporter,
                  std::vector<route::Attachment>& mutation);

}  // namespace rpctee::control
