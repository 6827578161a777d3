// What all connections of one Mirror share. Owned by the Mirror, which outlives its connections; one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/event_loop.h"
#include "mirror/budget.h"
#include "mirror/endpoint_stats.h"
#include "mirror/observer.h"

namespace rpctee::mirror {

class Connection;

struct Context {
  static constexpr size_t kReadBytes = size_t{64} << 10;

  Context(EventLoop& loop_of_worker, MirrorObserver& told, const MirrorOptions& limits)
      : loop(loop_of_worker),
        observer(told),
        options(limits),
        budget(limits.budget == nullptr ? std::make_shared<AgentBudget>(RateLimits(), 0) : limits.budget),
        read_buffer(kReadBytes) {}

  void EndCopy(const CopyEnd& end) {
    --in_flight;
    observer.OnCopyEnd(end);
  }
  // A copy that never had an endpoint.
  void EndCopy(uint32_t rule, CopyOutcome outcome) { EndCopy({.rule = rule, .outcome = outcome}); }

  EventLoop& loop;
  MirrorObserver& observer;
  const MirrorOptions options;
  const std::shared_ptr<AgentBudget> budget;
  EndpointStatsTable stats;
  size_t in_flight = 0;                // copies that have not ended
  std::vector<Connection*> unflushed;  // connections with new bytes since the last flush
  std::vector<uint8_t> read_buffer;    // what was read is parsed at once, so one buffer serves all
};

}  // namespace rpctee::mirror
