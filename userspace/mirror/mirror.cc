#include "mirror/mirror.h"

#include <algorithm>
#include <unordered_set>

#include "mirror/endpoint.h"
#include "mirror/socket.h"
#include "protocol/dubbo/dubbo_codec.h"

namespace rpctee::mirror {
namespace {

using protocol::FrameHeader;
using protocol::FrameStatus;
using protocol::MessageKind;

bool IsWholeRequest(const Copy& copy) {
  if (copy.pieces.empty()) {
    return false;
  }
  const FrameHeader header = protocol::dubbo::ParseHeader(copy.pieces.front());
  return header.status == FrameStatus::kFrame && header.frame_bytes == BytesOf(copy) &&
         (header.kind == MessageKind::kRequest || header.kind == MessageKind::kOneway);
}

}  // namespace

Mirror::Mirror(EventLoop& loop, MirrorObserver& observer, MirrorOptions options)
    : context_(std::make_unique<Context>(loop, observer, options)) {}

Mirror::~Mirror() { Stop(); }

rpctee::Status Mirror::CheckSocketMark(uint32_t mark) { return mirror::CheckSocketMark(mark); }

void Mirror::SetClusters(const std::vector<route::Cluster>& clusters) {
  if (stopped_) {
    return;
  }
  std::unordered_set<SocketAddress> named;
  std::vector<ClusterState> states(clusters.size());
  for (size_t i = 0; i < clusters.size(); ++i) {
    for (const route::ClusterEndpoint& endpoint : clusters[i].endpoints) {
      named.insert(endpoint.address);
      std::unique_ptr<Endpoint>& known = endpoints_[endpoint.address];
      if (known == nullptr) {
        known = std::make_unique<Endpoint>(*context_, endpoint.address);
      }
      if (endpoint.healthy) {
        states[i].endpoints.push_back(known.get());
      }
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

Connection* Mirror::Acquire(uint32_t cluster_index, TimePoint now) {
  if (cluster_index >= clusters_.size() || now < clusters_[cluster_index].retry_at) {
    return nullptr;
  }
  ClusterState& cluster = clusters_[cluster_index];
  TimePoint retry_at = TimePoint::max();
  for (size_t i = 0; i < cluster.endpoints.size(); ++i) {
    Endpoint& endpoint = *cluster.endpoints[cluster.next];
    cluster.next = (cluster.next + 1) % cluster.endpoints.size();
    if (Connection* connection = endpoint.Acquire(now)) {
      return connection;
    }
    retry_at = std::min(retry_at, endpoint.RetryAt(now));
  }
  // Saves going through a large cluster that is down as a whole, for every copy.
  cluster.retry_at = retry_at;
  return nullptr;
}

void Mirror::Send(const Copy& copy) {
  ++context_->in_flight;
  if (stopped_) {
    return context_->EndCopy(copy.rule, CopyOutcome::copy_abandoned);
  }
  if (!IsWholeRequest(copy)) {
    ++context_->stats.frames_refused;
    return context_->EndCopy(copy.rule, CopyOutcome::no_endpoint);
  }
  const TimePoint now = Clock::now();
  Connection* const connection = Acquire(copy.cluster, now);
  if (connection == nullptr) {
    return context_->EndCopy(copy.rule, CopyOutcome::no_endpoint);
  }
  if (!connection->Queue(copy, now)) {
    context_->EndCopy(copy.rule, CopyOutcome::queue_full);
  }
}

void Mirror::Flush() {
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

const MirrorStats& Mirror::stats() const { return context_->stats; }

}  // namespace rpctee::mirror
