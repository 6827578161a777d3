// The parts `mark` and `policies` of the agent's configuration.
//
// Control thread; no state.
#pragma once

#include <string>
#include <vector>

#include "control/config_overlay.h"
#include "route/copy_policy.h"

namespace rpctee::control {

// The value is the node's name unless the file gives one.
void TakeMark(const rpctee::config::v1::Mark& proto, const std::string& node, Overlay& overlay, route::Mark& mark);

void TakePolicies(const google::protobuf::RepeatedPtrField<rpctee::config::v1::Policy>& protos, Overlay& overlay,
                  std::vector<route::MatchedPolicy>& policies);

}  // namespace rpctee::control
