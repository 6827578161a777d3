#include "tap/reply_table.h"

#include <algorithm>
#include <cstring>
#include <map>

namespace rpctee::tap {
namespace {

SocketAddress EndpointOf(const rpctee_latency_key& key) {
  rpctee_endpoint_key endpoint{};
  std::memcpy(endpoint.address, key.address, sizeof(endpoint.address));
  endpoint.port_be = key.port_be;
  return FromKey(endpoint);
}

}  // namespace

Status ReplyTable::Apply(const EndpointTable& want) const {
  const auto entries = replies_.All();
  const auto latencies = latency_.All();
  if (!entries || !latencies) {
    return WithContext("table of replies", entries ? latencies.error() : entries.error());
  }
  EndpointTable have;
  for (const auto& [key, counts] : *entries) {
    have[FromKey(key)] = {};
    if (want.contains(FromKey(key))) {
      continue;
    }
    if (const Status erased = replies_.Erase(key); !erased) {
      return WithContext("table of replies", erased.error());
    }
  }
  for (const auto& [key, count] : *latencies) {
    if (!want.contains(EndpointOf(key))) {
      (void)latency_.Erase(key);
    }
  }
  for (const auto& [address, entry] : want) {
    if (have.contains(address)) {
      continue;
    }
    if (const Status put = replies_.Put(ToKey(address), rpctee_replies{}); !put) {
      return WithContext("table of replies", put.error());
    }
  }
  return {};
}

Result<std::vector<EndpointReplies>> ReplyTable::Read() const {
  const auto entries = replies_.All();
  const auto latencies = latency_.All();
  if (!entries || !latencies) {
    return WithContext("table of replies", entries ? latencies.error() : entries.error());
  }
  std::map<SocketAddress, EndpointReplies> by_endpoint;
  for (const auto& [key, counts] : *entries) {
    EndpointReplies& replies = by_endpoint[FromKey(key)];
    replies = {.endpoint = FromKey(key),
               .asked = counts.asked,
               .ok = counts.ok,
               .exception = counts.exception,
               .error = counts.error,
               .unframed_bytes = counts.unframed_bytes,
               .latency = {}};
  }
  for (const auto& [key, count] : *latencies) {
    const auto found = by_endpoint.find(EndpointOf(key));
    if (found != by_endpoint.end() && key.bucket < LatencyHistogram::kBuckets) {
      found->second.latency.AddTo(key.bucket, count);
    }
  }
  std::vector<EndpointReplies> replies;
  replies.reserve(by_endpoint.size());
  for (const auto& [address, entry] : by_endpoint) {
    replies.push_back(entry);
  }
  return replies;
}

}  // namespace rpctee::tap
