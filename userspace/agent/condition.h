// How the agent stands beside its books: what others did to the tap, and what it does not see. Goes into what SIGUSR1
// prints and into the final ledger. Plain data; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/address.h"

namespace rpctee::agent {

struct Condition {
  uint64_t taps_removed = 0;   // times that somebody removed or replaced the tap on an interface
  uint64_t taps_put_back = 0;  // times that it was put back
  // Places now, for people.
  std::vector<std::string> missing;  // wanted, and not tapped: "vethv1 egress"
  std::vector<std::string> behind;   // "vethv1 egress: behind tcx program 42 (x)"
  // Endpoints on this node that receive what the tap does not see.
  std::vector<SocketAddress> silent;

  // On the shares of all rules; below 1 while the agent takes more CPU time than it may.
  double sampling_factor = 1;

  // Lines like those of the ledger; empty when there is nothing to tell.
  std::string ToText() const;
  // The report as JSON with the condition's members added; of places, only how many.
  std::string AddToJson(std::string ledger_json) const;
};

}  // namespace rpctee::agent
