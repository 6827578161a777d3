// How the tap program is loaded: sizes of its maps, its constants, where it is pinned. Any thread; plain data.
#pragma once

#include <cstdint>
#include <string>

#include "tap/attachment.h"

namespace rpctee::tap {

struct TapOptions {
  std::string pin_directory;       // below a bpffs; empty = do not pin
  uint32_t rings = 1;              // one for each worker, at most RPCTEE_RINGS_MAX
  uint32_t ring_bytes = 8U << 20;  // of each; rounded up to a power of two of at least a page
  uint32_t max_flows = 65'536;
  uint32_t max_endpoints = 16'384;
  uint32_t max_own_connections = 4'096;
  uint32_t max_request_bytes = 16U << 20;
  uint32_t socket_mark = 0;  // packets with this mark are the agent's own; 0 = no test
  uint64_t heartbeat_timeout_ns = 3'000'000'000;
  bool replies = false;  // load the program for answers too, and note when sampled requests were seen
  TcxOrder tcx_order = TcxOrder::kFirst;
};

}  // namespace rpctee::tap
