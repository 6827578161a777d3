// The relay's sending half: connections to mirror pods, one buffer each, answers read and dropped.
//
// One worker thread, on that worker's EventLoop; every method and callback is on it. Owns its connections. Everything
// is bounded: unsent bytes and unanswered copies for each endpoint; at a limit the newest copy is dropped and its
// outcome told. Every Send ends in exactly one OnCopyEnd.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/event_loop.h"
#include "base/ledger.h"
#include "base/result.h"
#include "route/route_set.h"

namespace rpctee::mirror {

struct MirrorOptions {
  uint32_t connections_per_endpoint = 1;
  size_t max_buffer_bytes = size_t{4} << 20;  // unsent, for each connection
  uint32_t max_in_flight = 10'000;            // copies waiting for an answer, for each connection
  Duration connect_timeout = std::chrono::seconds(2);
  Duration reply_timeout = std::chrono::seconds(10);
  Duration reconnect_min = std::chrono::milliseconds(100);  // doubles up to the maximum, with jitter
  Duration reconnect_max = std::chrono::seconds(10);
  Duration user_timeout = std::chrono::seconds(15);  // TCP_USER_TIMEOUT
  uint32_t socket_mark = 0;                          // SO_MARK; 0 = none
};

class MirrorObserver {
 public:
  virtual ~MirrorObserver() = default;
  // The copy's last byte was handed to the socket.
  virtual void OnCopySent(uint32_t rule) = 0;
  virtual void OnCopyEnd(uint32_t rule, CopyOutcome outcome) = 0;
  // Before the connection carries its first byte, and after it is closed: for the tap's table of own connections.
  virtual void OnConnectionOpened(const SocketAddress& local, const SocketAddress& remote) = 0;
  virtual void OnConnectionClosed(const SocketAddress& local, const SocketAddress& remote,
                                  const std::string& reason) = 0;
};

class Mirror {
 public:
  Mirror(EventLoop& loop, MirrorObserver& observer, MirrorOptions options);
  ~Mirror();
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  // The clusters that rules refer to by index. Connections to endpoints that are gone are closed (unanswered copies end
  // as connection_lost); others stay as they are.
  void SetClusters(const std::vector<route::Cluster>& clusters);

  // Queues one copy of a whole request for the cluster, round robin over endpoints that can take it. Copies the bytes,
  // writes a fresh request id into the copy. `rule` comes back in the callbacks.
  void Send(uint32_t cluster_index, uint32_t rule, Bytes frame);

  // Hands what was queued since the last call to the sockets, one send for each connection. Call once a round.
  void Flush();

  // Copies that have not ended.
  size_t in_flight() const { return in_flight_; }
  // Unsent bytes in all buffers.
  size_t buffered_bytes() const;

  // Closes everything; what is unanswered ends as copy_abandoned.
  void Stop();

  struct EndpointStatus {
    SocketAddress address;
    std::string state;  // "idle", "connecting", "connected", "readonly", "backing off"
    uint32_t in_flight = 0;
    size_t buffered_bytes = 0;
  };
  std::vector<EndpointStatus> Status() const;

 private:
  class Connection;
  class EndpointPool;
  EventLoop& loop_;
  MirrorObserver& observer_;
  MirrorOptions options_;
  size_t in_flight_ = 0;
};

}  // namespace rpctee::mirror
