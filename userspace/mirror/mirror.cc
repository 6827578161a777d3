#include "mirror/mirror.h"

#include <algorithm>
#include <unordered_set>

#include "base/hash.h"
#include "mirror/balancer.h"
#include "mirror/endpoint.h"
#include "mirror/socket.h"

namespace rpctee::mirror {
namespace {

// The same in every agent, and whatever other endpoints there are.
uint64_t IdentityOf(const SocketAddress& address) {
  uint64_t identity = address.port;
  for (const uint8_t byte : address.ip.bytes) {
    identity = Mix(identity * 257 + byte);
  }
  return identity;
}

class Usable final : public Candidates {
 public:
  Usable(const std::vector<Endpoint*>& endpoints, Wire wire, TimePoint now)
      : endpoints_(endpoints), wire_(wire), now_(now) {}
  bool IsUsable(size_t index) const override { return endpoints_[index]->IsUsable(wire_, now_); }
  size_t Load(size_t index) const override { return endpoints_[index]->in_flight(); }

 private:
  const std::vector<Endpoint*>& endpoints_;
  Wire wire_;
  TimePoint now_;
};

}  // namespace

Mirror::Mirror(EventLoop& loop, MirrorObserver& observer, const MirrorOptions& options)
    : context_(std::make_unique<Context>(loop, observer, options)) {}

Mirror::~Mirror() { Stop(); }

rpctee::Status Mirror::CheckSocketMark(uint32_t mark) { return mirror::CheckSocketMark(mark); }

Endpoint& Mirror::EndpointOf(const SocketAddress& address) {
  std::unique_ptr<Endpoint>& known = endpoints_[address];
  if (known == nullptr) {
    known = std::make_unique<Endpoint>(*context_, address);
  }
  return *known;
}

Mirror::ClusterState Mirror::MakeState(const route::Cluster& cluster, size_t index) {
  if (index < clusters_.size() && clusters_[index].source == cluster) {
    return std::move(clusters_[index]);
  }
  ClusterState state;
  state.source = cluster;
  std::vector<BalancedEndpoint> balanced;
  for (const route::ClusterEndpoint& endpoint : cluster.endpoints) {
    Endpoint& known = EndpointOf(endpoint.address);
    if (endpoint.healthy && endpoint.weight != 0) {
      state.endpoints.push_back(&known);
      balanced.push_back({IdentityOf(endpoint.address), endpoint.weight});
    }
  }
  state.balancer = MakeBalancer(cluster.load_balancing, balanced, MonotonicNs());
  return state;
}

void Mirror::SetClusters(const std::vector<route::Cluster>& clusters) {
  if (stopped_) {
    return;
  }
  std::unordered_set<SocketAddress> named;
  std::vector<ClusterState> states;
  for (const route::Cluster& cluster : clusters) {
    states.push_back(MakeState(cluster, states.size()));
    for (const route::ClusterEndpoint& endpoint : cluster.endpoints) {
      named.insert(endpoint.address);
    }
  }
  clusters_ = std::move(states);
  for (auto it = endpoints_.begin(); it != endpoints_.end();) {
    if (named.contains(it->first)) {
      ++it;
    } else {
      it->second->Close(Connection::CloseCause::kRemoved, "the endpoint is no longer part of any cluster");
      it = endpoints_.erase(it);
    }
  }
}

Connection* Mirror::Acquire(uint32_t cluster_index, Wire wire, uint64_t hash, TimePoint now) {
  if (cluster_index >= clusters_.size()) {
    return nullptr;
  }
  ClusterState& cluster = clusters_[cluster_index];
  TimePoint& retry_at = cluster.retry_at.at(static_cast<size_t>(wire));
  if (now < retry_at) {
    return nullptr;
  }
  const Usable usable(cluster.endpoints, wire, now);
  // One that turns out not to be usable is not picked again, so this ends.
  while (const std::optional<size_t> picked = cluster.balancer->Pick(hash, usable)) {
    if (Connection* connection = cluster.endpoints[*picked]->Acquire(wire, now)) {
      return connection;
    }
  }
  // Saves going through a large cluster that is down as a whole, for every copy.
  retry_at = TimePoint::max();
  for (const Endpoint* endpoint : cluster.endpoints) {
    retry_at = std::min(retry_at, endpoint->RetryAt(now));
  }
  return nullptr;
}

void Mirror::Send(const Copy& copy, TimePoint now) {
  ++context_->in_flight;
  if (stopped_) {
    return context_->EndCopy(copy.rule, CopyOutcome::copy_abandoned);
  }
  const std::optional<CopyHead> head = ReadHead(copy);
  if (!head) {
    context_->stats.other().Count(MirrorCounter::frames_refused);
    return context_->EndCopy(copy.rule, CopyOutcome::no_endpoint);
  }
  Connection* const connection = Acquire(copy.cluster, head->wire, copy.hash, now);
  if (connection == nullptr) {
    return context_->EndCopy(copy.rule, CopyOutcome::no_endpoint);
  }
  const SocketAddress* const endpoint = &connection->remote();
  if (!context_->budget->Allows(head->bytes, now)) {
    return context_->EndCopy({.rule = copy.rule, .outcome = CopyOutcome::over_budget, .endpoint = endpoint});
  }
  if (!connection->Queue(copy, *head, now)) {
    return context_->EndCopy({.rule = copy.rule, .outcome = CopyOutcome::queue_full, .endpoint = endpoint});
  }
  context_->budget->Take(head->bytes, now);
}

void Mirror::Flush() {
  if (context_->unflushed.empty()) {
    return;  // the lists take turns only when they are used, so that each has its storage after two rounds
  }
  flushing_.swap(context_->unflushed);
  for (Connection* connection : flushing_) {
    connection->Flush();
  }
  flushing_.clear();
}

size_t Mirror::in_flight() const { return context_->in_flight; }

size_t Mirror::buffered_bytes() const {
  size_t sum = 0;
  for (const auto& [address, endpoint] : endpoints_) {
    sum += endpoint->buffered_bytes();
  }
  return sum;
}

void Mirror::Stop() {
  stopped_ = true;
  for (const auto& [address, endpoint] : endpoints_) {
    endpoint->Close(Connection::CloseCause::kStopped, "the agent stops");
  }
  clusters_.clear();
  endpoints_.clear();
}

std::vector<Mirror::EndpointStatus> Mirror::Status() const {
  const TimePoint now = Clock::now();
  std::vector<EndpointStatus> list;
  for (const auto& [address, endpoint] : endpoints_) {
    list.push_back({address, std::string(endpoint->StateName(now)), static_cast<uint32_t>(endpoint->in_flight()),
                    endpoint->buffered_bytes()});
  }
  std::sort(list.begin(), list.end(),
            [](const EndpointStatus& a, const EndpointStatus& b) { return a.address < b.address; });
  return list;
}

std::vector<MirrorCounts> Mirror::Counts() const { return context_->stats.Rows(); }

}  // namespace rpctee::mirror
