// The relay's sending half: connections to mirror pods, one buffer each, answers read and dropped.
//
// One worker thread, on that worker's EventLoop, which must outlive the Mirror; every method and callback is on it.
// Owns its connections. Everything is bounded: unsent bytes and unanswered copies for each connection; at a limit the
// newest copy is dropped and its outcome told. Every Send ends in exactly one OnCopyEnd. An endpoint at its limit keeps
// its turn, so that its share does not fall onto the others.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/clock.h"
#include "base/event_loop.h"
#include "base/mirror_counts.h"
#include "base/result.h"
#include "mirror/copy_head.h"
#include "mirror/observer.h"
#include "route/route_set.h"

namespace rpctee::mirror {

class Balancer;
class Connection;
class Endpoint;
struct Context;

class Mirror {
 public:
  Mirror(EventLoop& loop, MirrorObserver& observer, const MirrorOptions& options);
  ~Mirror();
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  // Whether sockets can be marked as the options ask. To be called at start: without the mark no connection is opened.
  static rpctee::Status CheckSocketMark(uint32_t mark);

  // The clusters that rules refer to by index. Connections to endpoints that no cluster names any more are reset
  // (unanswered copies end as connection_lost); others stay as they are. Clusters may share endpoints, and then share
  // their connections. Endpoints that are not healthy, or whose weight is 0, get nothing new.
  void SetClusters(const std::vector<route::Cluster>& clusters);

  // Queues one copy of a whole request for its cluster, for one of the endpoints that can take it. Copies the bytes,
  // writes a fresh request id into the copy where the copy shows its id. What is not one whole request is never sent
  // and ends as no_endpoint. `now` may be the beginning of the round: the time for the answer counts from it.
  void Send(const Copy& copy, TimePoint now);

  // Hands what was queued since the last call to the sockets, one send for each connection. Call once a round.
  void Flush();

  // Copies that have not ended.
  size_t in_flight() const;
  // Unsent bytes in all buffers.
  size_t buffered_bytes() const;

  // Closes everything; what is unanswered ends as copy_abandoned, and so does what is sent later.
  void Stop();

  struct EndpointStatus {
    SocketAddress address;
    std::string state;  // "idle", "connecting", "connected", "readonly", "backing off", "out"
    uint32_t in_flight = 0;
    size_t buffered_bytes = 0;
  };
  std::vector<EndpointStatus> Status() const;
  // What was counted since the Mirror was made, by endpoint, in no order. It explains; the ends of copies are told to
  // the observer.
  std::vector<MirrorCounts> Counts() const;

 private:
  struct ClusterState {
    route::Cluster source;
    std::vector<Endpoint*> endpoints;  // those that may get copies
    std::unique_ptr<Balancer> balancer;
    std::array<TimePoint, kWires> retry_at{};  // by wire: no endpoint can take anything before
  };
  Endpoint& EndpointOf(const SocketAddress& address);
  // With the turns as they were, if nothing about the cluster has changed.
  ClusterState MakeState(const route::Cluster& cluster, size_t index);
  Connection* Acquire(uint32_t cluster_index, Wire wire, uint64_t hash, TimePoint now);

  std::unique_ptr<Context> context_;
  std::unordered_map<SocketAddress, std::unique_ptr<Endpoint>> endpoints_;
  std::vector<ClusterState> clusters_;
  std::vector<Connection*> flushing_;
  bool stopped_ = false;
};

}  // namespace rpctee::mirror
