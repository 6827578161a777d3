// One mirror pod by its address: a few connections for each wire that it gets copies in, and what they
// have learnt about its health.
//
// One thread, that of the Context's loop. Owns its connections.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "mirror/connection.h"

namespace rpctee::mirror {

class Endpoint {
 public:
  Endpoint(Context& context, const SocketAddress& address);

  const SocketAddress& address() const { return address_; }

  // Whether there is a connection of this wire that takes a copy, or that may be opened for one. Not when the pod is
  // stopping, put out or backing off.
  bool IsUsable(Wire wire, TimePoint now) const;
  // A connection that takes a copy now, opened if need be, in turn. Null: not usable, or the connection could not be
  // begun, after which it is not usable.
  Connection* Acquire(Wire wire, TimePoint now);
  // When Acquire has just given null: the earliest time at which it can give anything else.
  TimePoint RetryAt(TimePoint now) const;

  void Close(Connection::CloseCause cause, const std::string& reason);

  size_t in_flight() const;
  size_t buffered_bytes() const;
  std::string_view StateName(TimePoint now) const;

 private:
  // For one wire; made when its first copy comes.
  struct Pool {
    std::vector<std::unique_ptr<Connection>> connections;
    size_t next = 0;
  };
  void Fill(Pool& pool, Wire wire);
  bool Has(Connection::State state) const;
  template <typename Use>
  void ForEachConnection(Use use) const {
    for (const Pool& pool : pools_) {
      std::for_each(pool.connections.begin(), pool.connections.end(),
                    [&](const auto& connection) { use(*connection); });
    }
  }

  Context& context_;
  const SocketAddress address_;
  EndpointHealth health_;
  std::array<Pool, kWires> pools_;
};

}  // namespace rpctee::mirror
