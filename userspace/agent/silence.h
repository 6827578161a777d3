// Judges whether the tap is silent about an endpoint: connections to it receive bytes, and the tap sees (next to) none
// of them, because somebody leads packets past it, ends their way in front of it, or its interface is not tapped.
//
// Plain computation on two looks at the sockets and at what the tap knows, one after the other; one thread. A
// connection that received something between the looks has been seen when the program has a cursor of it that moved, or
// ignores it (which it can only after having seen it). Connections are compared with themselves, so what came and went
// between two looks is not judged.
//
// The table of cursors forgets those that are idle for longest when it is full. When so many connections are active
// that it could forget some of these, bytes that the tap counted and no cursor explains speak for every endpoint.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/address.h"

namespace rpctee::agent {

// One look. The tap's counts are read before and after the sockets, so that two looks enclose what happened between.
struct SilenceLook {
  struct Connection {
    uint64_t cookie = 0;
    SocketAddress endpoint;
    uint64_t received = 0;
    bool own = false;              // carries copies, which the tap lets go by
    std::optional<uint64_t> mark;  // of the cursor; none when there is none
    bool ignored = false;
  };
  struct Counts {
    uint64_t endpoint_bytes = 0;
    uint64_t heartbeat_stale = 0;
  };
  Counts before;
  std::vector<Connection> connections;
  Counts after;
};

class SilenceJudge {
 public:
  // min_bytes: an endpoint that received less is not judged. max_cursors: as many as the program keeps.
  SilenceJudge(uint64_t min_bytes, size_t max_cursors) : min_bytes_(min_bytes), max_cursors_(max_cursors) {}

  struct Change {
    SocketAddress endpoint;
    bool silent = false;        // now; it was not, or the other way round
    uint64_t received = 0;      // since the look before
    uint64_t seen_at_most = 0;  // of these, by the tap
  };
  // What changed since the last look. `endpoints`: those that are mirrored now.
  std::vector<Change> Judge(const SilenceLook& look, const std::unordered_set<SocketAddress>& endpoints);

  const std::set<SocketAddress>& silent() const { return silent_; }

 private:
  struct Growth {
    uint64_t received = 0;
    uint64_t seen = 0;
  };
  void Compare(const SilenceLook& look, std::vector<Change>& changes);
  std::map<SocketAddress, Growth> Growths(const SilenceLook& look) const;
  uint64_t Unexplained(const SilenceLook& look, const std::map<SocketAddress, Growth>& growths) const;

  uint64_t min_bytes_;
  size_t max_cursors_;
  bool looked_ = false;
  SilenceLook::Counts before_;
  std::unordered_map<uint64_t, SilenceLook::Connection> connections_;
  std::set<SocketAddress> silent_;
};

}  // namespace rpctee::agent
