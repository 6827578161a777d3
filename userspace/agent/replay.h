// The agent's way for packets that come from a capture instead of a wire: the real hook, the same worker.
//
// Calling thread only; nothing runs beside it. Owns a tap and a network namespace of its own for the time of the call.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/options.h"
#include "agent/pipeline.h"
#include "base/ledger.h"
#include "base/result.h"

namespace rpctee::agent {

struct ReplayOptions {
  std::vector<std::string> captures;
  // From the configuration: tap sizes, relay and limits; places and pins are not used.
  AgentOptions agent;
  uint16_t any_endpoint_port = 0;  // not 0: every destination on this port, every request, and no routes
  bool dry_run = false;
  uint32_t max_segment_bytes = 0;  // cut TCP payloads to this many bytes a packet; 0 = as captured
  uint64_t first_packet = 1;       // of each capture
};

struct ReplayReport {
  uint64_t packets = 0;
  uint64_t packets_cut = 0;  // shorter in the capture than on the wire
  LedgerReport ledger;
  std::vector<tap::TapCounter> counters;
  std::vector<tap::EndpointReplies> replies;  // with AgentOptions::tap.replies
};

// Calls `on_mirrored` for each request that is, or with dry_run would be, mirrored, in the order of their last packets.
Result<ReplayReport> Replay(const ReplayOptions& options, Pipeline::OnMirrored on_mirrored);

}  // namespace rpctee::agent
