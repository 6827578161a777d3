// How the primary and the mirrors answered the requests that were drawn, side by side, by rule. Goes into what SIGUSR1
// prints and into the final ledger, when the primary's answers are tapped.
//
// Plain data; any thread. The primary's counts are of endpoints: where several rules share one, each shows it whole.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/rule_book.h"
#include "route/snapshot.h"
#include "tap/reply_table.h"

namespace rpctee::agent {

class RepliesView {
 public:
  // Nothing to show.
  RepliesView() = default;
  // `copies`: the ledger's rows. `since`: how long was counted.
  RepliesView(const route::Snapshot& snapshot, const std::vector<tap::EndpointReplies>& endpoints,
              const std::vector<RuleCounts>& copies, Duration since);

  // Lines like those of the ledger, one for each rule and one for each of its endpoints; empty without endpoints.
  std::string ToText() const;
  // The report as JSON with the member "replies" added, an array of rules; unchanged without endpoints.
  std::string AddToJson(std::string ledger_json) const;

 private:
  struct Rule {
    std::string config;
    std::string route;
    std::string cluster;       // of the mirror
    tap::EndpointReplies sum;  // of its endpoints
    tap::EndpointReplies mirrors;
    std::vector<tap::EndpointReplies> endpoints;
    size_t sharing = 0;  // how many rules an endpoint has, this one included: of that which has the most
  };

  void CountSharing();

  double seconds_ = 0;
  std::vector<Rule> rules_;
};

}  // namespace rpctee::agent
