// What the connections to one mirror pod have learnt about it: when a new one may be opened, and whether it gets
// copies.
//
// One thread, that of the Context's loop. Tells the observer when the pod is put out and when it is back.
#pragma once

#include "base/address.h"
#include "mirror/backoff.h"
#include "mirror/context.h"
#include "mirror/ejection.h"

namespace rpctee::mirror {

class EndpointHealth {
 public:
  EndpointHealth(Context& context, const SocketAddress& address)
      : context_(context),
        address_(address),
        stats_(context.stats.Of(address)),
        gate_(Backoff(context.options.reconnect_min, context.options.reconnect_max, Seed(address))),
        ejection_(context.options.ejection, Seed(address)) {}

  bool MayConnect(TimePoint now) const { return gate_.IsOpen(now); }
  bool MayTake(TimePoint now) const { return ejection_.MayTake(now); }
  bool is_out() const { return ejection_.is_out(); }
  bool is_stopping() const { return readonly_connections_ != 0; }
  // When it can't be used: the earliest time at which it can.
  TimePoint RetryAt(TimePoint now) const {
    return ejection_.is_probed() ? now + kProbeLook : std::max(gate_.not_before(), ejection_.not_before());
  }

  EndpointStats& stats() { return stats_; }

  // The pod has said on a connection that it wants no more requests; and that connection is closed now.
  void OnReadonly() { ++readonly_connections_; }
  void OnReadonlyClosed() { --readonly_connections_; }
  void OnQueued(TimePoint now) { ejection_.OnQueued(now); }
  void OnCopyEnd(Ejection::End end, TimePoint queued, TimePoint now) { Tell(ejection_.OnEnd(end, queued, now)); }
  void OnConnectionProved() { gate_.Succeeded(); }
  void OnConnectionFailed(TimePoint now) {
    if (gate_.Failed(now)) {
      Tell(ejection_.OnConnectionFailed(now));
    }
  }

 private:
  // The end of a probe may come at any time.
  static constexpr Duration kProbeLook = std::chrono::milliseconds(1);

  static uint64_t Seed(const SocketAddress& address) { return MonotonicNs() ^ std::hash<SocketAddress>()(address); }
  void Tell(Ejection::Change change) {
    if (change == Ejection::Change::kOut) {
      stats_.Count(MirrorCounter::ejections);
      context_.observer.OnEndpointOut(address_, ejection_.last_time());
    } else if (change == Ejection::Change::kBack) {
      context_.observer.OnEndpointBack(address_);
    }
  }

  Context& context_;
  const SocketAddress address_;
  EndpointStats& stats_;
  ReconnectGate gate_;
  Ejection ejection_;
  uint32_t readonly_connections_ = 0;
};

}  // namespace rpctee::mirror
