// The endpoint table as it should be, and the least work that makes the map equal to it.
//
// Control thread. Owns nothing but the wish; what is there is always read from the map itself.
#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/result.h"
#include "route/snapshot.h"
#include "tap/maps.h"

namespace rpctee::tap {

struct EndpointEntry {
  uint64_t threshold = 0;
  uint32_t endpoint_id = 0;

  bool operator==(const EndpointEntry&) const = default;
};
using EndpointTable = std::map<SocketAddress, EndpointEntry>;

// endpoint_id is the position in `endpoints`. An address that stands there twice gets the larger threshold.
EndpointTable MakeTable(const std::vector<route::EndpointThreshold>& endpoints);

struct EndpointChanges {
  std::vector<SocketAddress> removed;
  std::vector<std::pair<SocketAddress, EndpointEntry>> written;  // new or different
};
EndpointChanges Difference(const EndpointTable& have, const EndpointTable& want);

// Refuses, and changes nothing, when there are more endpoints than the map has room for.
Status Apply(const EndpointMap& map, const EndpointTable& want);

// Which ports have an endpoint, as the words of rpctee_ports.
using PortWords = std::map<uint32_t, uint64_t>;
PortWords PortsOf(const EndpointTable& table);
// Writes the words in which `want` differs from `have`.
Status ApplyPorts(const PortMap& map, const PortWords& have, const PortWords& want);

}  // namespace rpctee::tap
