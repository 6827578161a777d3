// Which of the tap's packets are the agent's own: a table of connections by both ends, the agent's as the source.
//
// Any thread. By both, since the kernel gives one local port to connections with different remote ends, also those of
// other programs. A new connection may have the ends of one that is just being closed, so an entry goes with its last
// user. Where addresses are translated between the agent and the tap, only the socket mark tells. Owns the counts; the
// map must outlive it.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "base/capture.h"
#include "base/result.h"
#include "tap/maps.h"

namespace rpctee::tap {

class OwnConnections {
 public:
  explicit OwnConnections(OwnMap map) : map_(map) {}

  // Each call is to be followed by a Remove, also one that failed: then the connection is not in the table, until a
  // later one of the same ends finds room.
  Status Add(const Flow& connection);
  void Remove(const Flow& connection);
  // Whether it is open, in the table or not.
  bool Contains(const Flow& connection) const;

 private:
  struct Use {
    uint32_t connections = 0;
    bool in_table = false;
  };

  OwnMap map_;
  mutable std::mutex mutex_;  // guards uses_, and keeps the table in step with it
  std::map<Flow, Use> uses_;
};

}  // namespace rpctee::tap
