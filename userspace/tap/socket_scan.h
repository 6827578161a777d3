// How many bytes the connections to endpoints on this node have received, by the word of the kernel's TCP (sock_diag):
// in the agent's own network namespace, and in those of pods, where that is permitted (CAP_SYS_ADMIN).
//
// Moves the calling thread to other namespaces and back, so give it a thread of its own. Bounded in time and sockets.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/result.h"

namespace rpctee::tap {

struct EndpointSocket {
  uint64_t cookie = 0;   // names the socket; the kernel gives none twice
  SocketAddress local;   // an endpoint
  SocketAddress remote;  // the consumer
  uint64_t bytes_received = 0;
};

struct SocketScan {
  std::vector<EndpointSocket> sockets;  // established ones
  size_t pods = 0;                      // namespaces of pods that were looked into
  std::string not_entered;              // why the others were not; empty when all were
  bool cut_short = false;               // a limit was reached, or `stop` was set
};

struct ScanLimits {
  size_t pods = 1'024;
  size_t sockets = 65'536;
  Duration time = std::chrono::milliseconds(500);
};

// Fails when this thread could not come back to its own namespace, or not look into that one.
Result<SocketScan> ScanSockets(const std::unordered_set<SocketAddress>& endpoints, const ScanLimits& limits,
                               const std::atomic<bool>& stop);

}  // namespace rpctee::tap
