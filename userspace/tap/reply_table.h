// How the primary answered, as the tap program counted it: one entry for each endpoint, made and removed here.
//
// Any thread; one at a time for Apply. Owns nothing: the maps must stay open.
#pragma once

#include <cstdint>
#include <vector>

#include "base/address.h"
#include "base/latency.h"
#include "base/result.h"
#include "bpf/abi/replies.h"
#include "tap/endpoint_table.h"
#include "tap/maps.h"

namespace rpctee::tap {

// Of one endpoint, since it is one. Answers are of sampled requests alone.
struct EndpointReplies {
  SocketAddress endpoint;
  uint64_t asked = 0;           // sampled requests that an answer is expected to
  uint64_t ok = 0;              // answered; the service returned
  uint64_t exception = 0;       // answered by an exception of the service
  uint64_t error = 0;           // answered by an error of the framework
  uint64_t unframed_bytes = 0;  // in which answers were not looked for
  LatencyHistogram latency;     // of all that were answered
};

using AnswerMap = HashMap<rpctee_flow_key, rpctee_reply_flow>;
using AskedMap = HashMap<rpctee_asked_key, uint64_t>;

class ReplyTable {
 public:
  ReplyTable(int replies_fd, uint32_t max_endpoints, int latency_fd, uint32_t max_latencies)
      : replies_(replies_fd, max_endpoints), latency_(latency_fd, max_latencies) {}

  // Makes the entries those of the table: the counts of an endpoint that stays go on, those of one that goes are gone.
  Status Apply(const EndpointTable& want) const;
  // By address. What is counted meanwhile may or may not be in it.
  Result<std::vector<EndpointReplies>> Read() const;

 private:
  HashMap<rpctee_endpoint_key, rpctee_replies> replies_;
  HashMap<rpctee_latency_key, uint64_t> latency_;
};

}  // namespace rpctee::tap
