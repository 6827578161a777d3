// One mirror pod by its address: a few connections, and the gate that keeps them from hammering a pod that is down.
//
// One thread, that of the Context's loop. Owns its connections.
#pragma once

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

  // Whether there is a connection that takes a copy, or that may be opened for one. Not when the pod is stopping or
  // backing off.
  bool IsUsable(TimePoint now) const;
  // A connection that takes a copy now, opened if need be, in turn. Null: not usable, or the connection could not be
  // begun, after which it is not usable.
  Connection* Acquire(TimePoint now);
  // When Acquire has just given null: the earliest time at which it can give anything else.
  TimePoint RetryAt(TimePoint now) const;

  void Close(Connection::CloseCause cause, const std::string& reason);

  size_t in_flight() const;
  size_t buffered_bytes() const;
  std::string_view StateName(TimePoint now) const;

 private:
  bool Has(Connection::State state) const;

  Context& context_;
  const SocketAddress address_;
  ReconnectGate gate_;
  std::vector<std::unique_ptr<Connection>> connections_;
  size_t next_ = 0;
};

}  // namespace rpctee::mirror
