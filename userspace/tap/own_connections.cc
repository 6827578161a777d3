#include "tap/own_connections.h"

namespace rpctee::tap {
namespace {

constexpr uint32_t kOwnValue = 1;

}  // namespace

Status OwnConnections::Add(const Flow& connection) {
  const std::lock_guard lock(mutex_);
  Use& use = uses_[connection];
  ++use.connections;
  if (use.in_table) {
    return {};
  }
  if (const Status put = map_.Put(ToKey(connection), kOwnValue); !put) {
    return WithContext("table of own connections, " + connection.ToString(), put.error());
  }
  use.in_table = true;
  return {};
}

void OwnConnections::Remove(const Flow& connection) {
  const std::lock_guard lock(mutex_);
  const auto position = uses_.find(connection);
  if (position == uses_.end() || --position->second.connections != 0) {
    return;
  }
  if (position->second.in_table) {
    (void)map_.Erase(ToKey(connection));
  }
  uses_.erase(position);
}

bool OwnConnections::Contains(const Flow& connection) const {
  const std::lock_guard lock(mutex_);
  return uses_.contains(connection);
}

}  // namespace rpctee::tap
