#include "mirror/endpoint.h"

#include <algorithm>

namespace rpctee::mirror {

using State = Connection::State;

Endpoint::Endpoint(Context& context, const SocketAddress& address)
    : context_(context), address_(address), health_(context, address) {}

void Endpoint::Fill(Pool& pool, Wire wire) {
  const uint32_t count = std::max(context_.options.connections_per_endpoint, uint32_t{1});
  for (uint32_t i = 0; i < count; ++i) {
    pool.connections.push_back(std::make_unique<Connection>(context_, address_, health_, wire));
  }
}

bool Endpoint::Has(State state) const {
  bool has = false;
  ForEachConnection([&](const Connection& connection) { has = has || connection.state() == state; });
  return has;
}

bool Endpoint::IsUsable(Wire wire, TimePoint now) const {
  const auto& connections = pools_.at(static_cast<size_t>(wire)).connections;
  return health_.MayTake(now) && !health_.is_stopping() &&
         (health_.MayConnect(now) || std::any_of(connections.begin(), connections.end(),
                                                 [](const auto& connection) { return connection->CanQueue(); }));
}

Connection* Endpoint::Acquire(Wire wire, TimePoint now) {
  if (health_.is_stopping() || !health_.MayTake(now)) {
    return nullptr;
  }
  Pool& pool = pools_.at(static_cast<size_t>(wire));
  if (pool.connections.empty()) {
    Fill(pool, wire);
  }
  for (size_t i = 0; i < pool.connections.size(); ++i) {
    Connection& connection = *pool.connections[pool.next];
    pool.next = (pool.next + 1) % pool.connections.size();
    const bool opened = connection.state() == State::kIdle && health_.MayConnect(now) && connection.Open(now);
    if (opened || connection.CanQueue()) {
      return &connection;
    }
  }
  return nullptr;
}

TimePoint Endpoint::RetryAt(TimePoint now) const {
  // While the pod is stopping: the close starts a backoff, which is no shorter than the minimum.
  return health_.is_stopping() ? now + context_.options.reconnect_min : health_.RetryAt(now);
}

void Endpoint::Close(Connection::CloseCause cause, const std::string& reason) {
  ForEachConnection([&](Connection& connection) { connection.Close(cause, reason); });
}

size_t Endpoint::in_flight() const {
  size_t sum = 0;
  ForEachConnection([&](const Connection& connection) { sum += connection.in_flight(); });
  return sum;
}

size_t Endpoint::buffered_bytes() const {
  size_t sum = 0;
  ForEachConnection([&](const Connection& connection) { sum += connection.buffered_bytes(); });
  return sum;
}

std::string_view Endpoint::StateName(TimePoint now) const {
  if (health_.is_out()) {
    return "out";
  }
  if (health_.is_stopping()) {
    return "readonly";
  }
  if (Has(State::kConnected)) {
    return "connected";
  }
  if (Has(State::kConnecting)) {
    return "connecting";
  }
  return health_.MayConnect(now) ? "idle" : "backing off";
}

}  // namespace rpctee::mirror
