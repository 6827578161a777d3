#include "agent/silence.h"

#include <algorithm>

namespace rpctee::agent {
namespace {

// Silent: less than a tenth was seen. Not so any more: half was. In between it stays what it was.
constexpr uint64_t kSilentBelow = 10;
constexpr uint64_t kHeardFrom = 2;
// Of the table of cursors, which also holds those of connections that have ended.
constexpr size_t kCrowdedShare = 4;

}  // namespace

std::vector<SilenceJudge::Change> SilenceJudge::Judge(const SilenceLook& look,
                                                      const std::unordered_set<SocketAddress>& endpoints) {
  std::vector<Change> changes;
  std::erase_if(silent_, [&](const SocketAddress& endpoint) {
    if (endpoints.contains(endpoint)) {
      return false;
    }
    changes.push_back({.endpoint = endpoint});
    return true;
  });
  // While the agent gave no sign of life, the program let every packet go: that is another trouble, and told elsewhere.
  if (looked_ && look.after.heartbeat_stale == before_.heartbeat_stale) {
    Compare(look, changes);
  }
  looked_ = true;
  before_ = look.before;
  connections_.clear();
  for (const SilenceLook::Connection& connection : look.connections) {
    connections_.emplace(connection.cookie, connection);
  }
  return changes;
}

void SilenceJudge::Compare(const SilenceLook& look, std::vector<Change>& changes) {
  const std::map<SocketAddress, Growth> growths = Growths(look);
  const uint64_t doubtful = look.connections.size() > max_cursors_ / kCrowdedShare ? Unexplained(look, growths) : 0;
  for (const auto& [endpoint, growth] : growths) {
    const uint64_t received = growth.received;
    const uint64_t seen = std::min(received, growth.seen + doubtful);
    const bool was_silent = silent_.contains(endpoint);
    if (!was_silent && received >= min_bytes_ && seen < received / kSilentBelow) {
      silent_.insert(endpoint);
      changes.push_back({endpoint, true, received, seen});
    } else if (was_silent && received != 0 && seen >= received / kHeardFrom) {
      silent_.erase(endpoint);
      changes.push_back({endpoint, false, received, seen});
    }
  }
}

uint64_t SilenceJudge::Unexplained(const SilenceLook& look, const std::map<SocketAddress, Growth>& growths) const {
  uint64_t explained = 0;
  for (const auto& [endpoint, growth] : growths) {
    explained += growth.seen;
  }
  const uint64_t counted = look.after.endpoint_bytes - before_.endpoint_bytes;
  return counted - std::min(counted, explained);
}

std::map<SocketAddress, SilenceJudge::Growth> SilenceJudge::Growths(const SilenceLook& look) const {
  std::map<SocketAddress, Growth> growths;
  for (const SilenceLook::Connection& now : look.connections) {
    const auto position = connections_.find(now.cookie);
    if (position == connections_.end() || now.own || position->second.own ||
        now.received <= position->second.received) {
      continue;
    }
    Growth& growth = growths[now.endpoint];
    const uint64_t received = now.received - position->second.received;
    growth.received += received;
    if (now.mark && (now.ignored || now.mark != position->second.mark)) {
      growth.seen += received;
    }
  }
  return growths;
}

}  // namespace rpctee::agent
