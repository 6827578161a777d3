#include "tap/own_connections.h"

namespace rpctee::tap {
namespace {

constexpr uint32_t kOwnValue = 1;

}  // namespace

Status OwnConnections::Add(const SocketAddress& local) {
  const std::lock_guard lock(mutex_);
  Use& use = uses_[local];
  ++use.connections;
  if (use.in_table) {
    return {};
  }
  if (const Status put = map_.Put(ToKey(local), kOwnValue); !put) {
    return WithContext("table of own connections, " + local.ToString(), put.error());
  }
  use.in_table = true;
  return {};
}

void OwnConnections::Remove(const SocketAddress& local) {
  const std::lock_guard lock(mutex_);
  const auto position = uses_.find(local);
  if (position == uses_.end() || --position->second.connections != 0) {
    return;
  }
  if (position->second.in_table) {
    (void)map_.Erase(ToKey(local));
  }
  uses_.erase(position);
}

bool OwnConnections::Contains(const SocketAddress& local) const {
  const std::lock_guard lock(mutex_);
  return uses_.contains(local);
}

}  // namespace rpctee::tap
