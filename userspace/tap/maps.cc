#include "tap/maps.h"

#include <arpa/inet.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace rpctee::tap {
namespace {

constexpr size_t kCounters = sizeof(rpctee_counters) / sizeof(uint64_t);
using CounterArray = std::array<uint64_t, kCounters>;
static_assert(sizeof(CounterArray) == sizeof(rpctee_counters));

}  // namespace

rpctee_endpoint_key ToKey(const SocketAddress& address) {
  rpctee_endpoint_key key{};
  std::copy(address.ip.bytes.begin(), address.ip.bytes.end(), key.address);
  key.port_be = htons(address.port);
  return key;
}

SocketAddress FromKey(const rpctee_endpoint_key& key) {
  SocketAddress result;
  std::copy(std::begin(key.address), std::end(key.address), result.ip.bytes.begin());
  result.port = ntohs(key.port_be);
  return result;
}

rpctee_flow_key ToKey(const Flow& flow) {
  rpctee_flow_key key{};
  std::copy(flow.source.ip.bytes.begin(), flow.source.ip.bytes.end(), key.source);
  std::copy(flow.destination.ip.bytes.begin(), flow.destination.ip.bytes.end(), key.destination);
  key.source_port_be = htons(flow.source.port);
  key.destination_port_be = htons(flow.destination.port);
  return key;
}

void FromKey(const rpctee_flow_key& key, Flow& flow) {
  std::copy(std::begin(key.source), std::end(key.source), flow.source.ip.bytes.begin());
  std::copy(std::begin(key.destination), std::end(key.destination), flow.destination.ip.bytes.begin());
  flow.source.port = ntohs(key.source_port_be);
  flow.destination.port = ntohs(key.destination_port_be);
}

Result<rpctee_counters> ReadCounters(int fd) {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) {
    return FailErrno("count the CPUs", -cpus);
  }
  const uint32_t zero = 0;
  std::vector<CounterArray> per_cpu(static_cast<size_t>(cpus));
  if (const int error = bpf_map_lookup_elem(fd, &zero, per_cpu.data()); error != 0) {
    return FailErrno("read the counters", -error);
  }
  CounterArray sums{};
  for (const CounterArray& one : per_cpu) {
    for (size_t i = 0; i < kCounters; ++i) {
      sums[i] += one[i];
    }
  }
  rpctee_counters counters;
  std::memcpy(&counters, sums.data(), sizeof(counters));
  return counters;
}

}  // namespace rpctee::tap
