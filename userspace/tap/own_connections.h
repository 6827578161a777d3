// Which of the tap's packets are the agent's own: a table of local addresses, kept for as long as a connection has
// them.
//
// Any thread. The kernel gives one local address to connections with different remote ends, of one worker or of
// several, so an address leaves the table with its last connection. Owns the counts; the map must outlive it.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

#include "base/address.h"
#include "base/result.h"
#include "tap/maps.h"

namespace rpctee::tap {

class OwnConnections {
 public:
  explicit OwnConnections(OwnMap map) : map_(map) {}

  // Each call is to be followed by a Remove, also one that failed: then the address is not in the table, until a later
  // connection of the same address finds room.
  Status Add(const SocketAddress& local);
  void Remove(const SocketAddress& local);
  // Whether a connection has it, in the table or not.
  bool Contains(const SocketAddress& local) const;

 private:
  struct Use {
    uint32_t connections = 0;
    bool in_table = false;
  };

  OwnMap map_;
  mutable std::mutex mutex_;  // guards uses_, and keeps the table in step with it
  std::unordered_map<SocketAddress, Use> uses_;
};

}  // namespace rpctee::tap
