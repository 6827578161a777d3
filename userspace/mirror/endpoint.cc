#include "mirror/endpoint.h"

#include <algorithm>

namespace rpctee::mirror {

using State = Connection::State;

Endpoint::Endpoint(Context& context, const SocketAddress& address)
    : context_(context),
      address_(address),
      gate_(Backoff(context.options.reconnect_min, context.options.reconnect_max,
                    MonotonicNs() ^ std::hash<SocketAddress>()(address))) {
  const uint32_t count = std::max(context.options.connections_per_endpoint, uint32_t{1});
  for (uint32_t i = 0; i < count; ++i) {
    connections_.push_back(std::make_unique<Connection>(context, address, gate_));
  }
}

bool Endpoint::Has(State state) const {
  return std::any_of(connections_.begin(), connections_.end(),
                     [state](const auto& connection) { return connection->state() == state; });
}

bool Endpoint::IsUsable(TimePoint now) const {
  return !Has(State::kReadonly) &&
         (gate_.IsOpen(now) || std::any_of(connections_.begin(), connections_.end(),
                                           [](const auto& connection) { return connection->CanQueue(); }));
}

Connection* Endpoint::Acquire(TimePoint now) {
  if (Has(State::kReadonly)) {
    return nullptr;
  }
  for (size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = *connections_[next_];
    next_ = (next_ + 1) % connections_.size();
    const bool opened = connection.state() == State::kIdle && gate_.IsOpen(now) && connection.Open(now);
    if (opened || connection.CanQueue()) {
      return &connection;
    }
  }
  return nullptr;
}

TimePoint Endpoint::RetryAt(TimePoint now) const {
  // While the pod is stopping: the close starts a backoff, which is no shorter than the minimum.
  return Has(State::kReadonly) ? now + context_.options.reconnect_min : gate_.not_before();
}

void Endpoint::Close(Connection::CloseCause cause, const std::string& reason) {
  for (const auto& connection : connections_) {
    connection->Close(cause, reason);
  }
}

size_t Endpoint::in_flight() const {
  size_t sum = 0;
  for (const auto& connection : connections_) {
    sum += connection->in_flight();
  }
  return sum;
}

size_t Endpoint::buffered_bytes() const {
  size_t sum = 0;
  for (const auto& connection : connections_) {
    sum += connection->buffered_bytes();
  }
  return sum;
}

std::string_view Endpoint::StateName(TimePoint now) const {
  if (Has(State::kReadonly)) {
    return "readonly";
  }
  if (Has(State::kConnected)) {
    return "connected";
  }
  if (Has(State::kConnecting)) {
    return "connecting";
  }
  return gate_.IsOpen(now) ? "idle" : "backing off";
}

}  // namespace rpctee::mirror
