// What surrounds a Mirror: its limits, and whom it tells.
//
// Plain values and one interface. Callbacks come on the thread of the Mirror's loop, in the middle of its work: they
// must not call the Mirror.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/address.h"
#include "base/clock.h"
#include "base/ledger.h"
#include "mirror/budget.h"
#include "mirror/ejection.h"

namespace rpctee::mirror {

struct MirrorOptions {
  uint32_t connections_per_endpoint = 1;
  size_t max_buffer_bytes = size_t{4} << 20;  // unsent, for each connection; one copy alone may be longer
  uint32_t max_in_flight = 10'000;            // copies waiting for an answer, for each connection; at most 2^20
  uint32_t max_pipelined = 100;               // the same where answers are matched by their order
  Duration connect_timeout = std::chrono::seconds(2);
  Duration reply_timeout = std::chrono::seconds(10);        // from Send on; told at most 1/32 later
  Duration reconnect_min = std::chrono::milliseconds(100);  // doubles up to the maximum, with jitter
  Duration reconnect_max = std::chrono::seconds(10);
  Duration user_timeout = std::chrono::seconds(15);  // TCP_USER_TIMEOUT
  Duration idle_timeout = std::chrono::minutes(2);   // without a copy; 0 = never
  EjectionOptions ejection;
  std::shared_ptr<AgentBudget> budget{};  // of all workers; null = no limit
  uint32_t socket_mark = 0;               // SO_MARK; 0 = none. A socket that refuses it is not used.
  uint32_t dscp = 0;                      // of packets with copies, 0 to 63
  uint32_t socket_priority = 0;           // SO_PRIORITY, 0 to 6
};

struct CopyEnd {
  uint32_t rule = 0;
  CopyOutcome outcome = CopyOutcome::copy_abandoned;
  const SocketAddress* endpoint = nullptr;  // null: the copy never had one
  Duration latency{};                       // of an answered copy: from its last byte out to the answer's head
};

class MirrorObserver {
 public:
  virtual ~MirrorObserver() = default;
  // The copy's last byte was handed to the socket. Always before the copy's end.
  virtual void OnCopySent(uint32_t rule, const SocketAddress& endpoint) = 0;
  virtual void OnCopyEnd(const CopyEnd& end) = 0;
  // Before the connection carries its first byte, and after it is closed: for the tap's table of own connections. Only
  // the pair names a connection: the kernel may use one local port for several remotes at once.
  virtual void OnConnectionOpened(const SocketAddress& local, const SocketAddress& remote) = 0;
  virtual void OnConnectionClosed(const SocketAddress& local, const SocketAddress& remote,
                                  const std::string& reason) = 0;
  // A connection that could not even be started (no descriptor, no mark, no way to the network): it was never opened.
  virtual void OnConnectFailed(const SocketAddress& /*remote*/, const std::string& /*reason*/) {}
  // It gets no copies for a time, and then one; or it gets copies again.
  virtual void OnEndpointOut(const SocketAddress& /*endpoint*/, Duration /*time*/) {}
  virtual void OnEndpointBack(const SocketAddress& /*endpoint*/) {}
};

}  // namespace rpctee::mirror
