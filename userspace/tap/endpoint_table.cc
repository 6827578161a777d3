#include "tap/endpoint_table.h"

#include <algorithm>

namespace rpctee::tap {

EndpointTable MakeTable(const std::vector<route::EndpointThreshold>& endpoints) {
  EndpointTable table;
  uint32_t id = 0;
  for (const route::EndpointThreshold& endpoint : endpoints) {
    EndpointEntry& entry = table.try_emplace(endpoint.address, EndpointEntry{.endpoint_id = id}).first->second;
    entry.threshold = std::max(entry.threshold, endpoint.threshold);
    ++id;
  }
  return table;
}

EndpointChanges Difference(const EndpointTable& have, const EndpointTable& want) {
  EndpointChanges changes;
  for (const auto& [address, entry] : have) {
    if (!want.contains(address)) {
      changes.removed.push_back(address);
    }
  }
  for (const auto& [address, entry] : want) {
    if (const auto it = have.find(address); it == have.end() || it->second != entry) {
      changes.written.emplace_back(address, entry);
    }
  }
  return changes;
}

PortWords PortsOf(const EndpointTable& table) {
  PortWords words;
  for (const auto& [address, entry] : table) {
    words[address.port / 64] |= uint64_t{1} << address.port % 64;
  }
  return words;
}

Status ApplyPorts(const PortMap& map, const PortWords& have, const PortWords& want) {
  PortWords changed = want;
  for (const auto& [index, bits] : have) {
    changed.try_emplace(index, 0);
  }
  for (const auto& [index, bits] : changed) {
    const auto known = have.find(index);
    if (known != have.end() && known->second == bits) {
      continue;
    }
    if (const Status put = map.Put(index, bits); !put) {
      return WithContext("table of ports", put.error());
    }
  }
  return {};
}

Status Apply(const EndpointMap& map, const EndpointTable& want) {
  if (want.size() > map.max_entries()) {
    return Fail(std::to_string(want.size()) + " endpoints are more than max_endpoints, " +
                std::to_string(map.max_entries()) + "; the endpoints stay as they were");
  }
  const auto entries = map.All();
  if (!entries) {
    return tl::unexpected(entries.error());
  }
  EndpointTable have;
  for (const auto& [key, value] : *entries) {
    have[FromKey(key)] = {.threshold = value.threshold, .endpoint_id = value.endpoint_id};
  }
  const EndpointChanges changes = Difference(have, want);
  // Removals first: they make the room that the others may need.
  for (const SocketAddress& address : changes.removed) {
    if (const Status erased = map.Erase(ToKey(address)); !erased) {
      return WithContext(address.ToString(), erased.error());
    }
  }
  for (const auto& [address, entry] : changes.written) {
    const rpctee_endpoint value = {.threshold = entry.threshold, .endpoint_id = entry.endpoint_id, .zero = 0};
    if (const Status put = map.Put(ToKey(address), value); !put) {
      return WithContext(address.ToString(), put.error());
    }
  }
  return {};
}

}  // namespace rpctee::tap
