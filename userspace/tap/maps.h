// Typed access to BPF maps with a key, and the translation between the keys of bpf/abi and addresses.
//
// Any thread. Owns nothing: the descriptor must stay open.
#pragma once

#include <bpf/bpf.h>

#include <cerrno>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/address.h"
#include "base/capture.h"
#include "base/result.h"
#include "bpf/abi/abi.h"

namespace rpctee::tap {

template <typename Key, typename Value>
class HashMap {
 public:
  HashMap(int fd, uint32_t max_entries) : fd_(fd), max_entries_(max_entries) {}

  uint32_t max_entries() const { return max_entries_; }

  Status Put(const Key& key, const Value& value) const {
    const int error = bpf_map_update_elem(fd_, &key, &value, BPF_ANY);
    if (error == -E2BIG) {
      return Fail("the table is full at " + std::to_string(max_entries_) + " entries");
    }
    return error == 0 ? Status() : FailErrno("write an entry", -error);
  }

  // A key that is not there is no error.
  Status Erase(const Key& key) const {
    const int error = bpf_map_delete_elem(fd_, &key);
    return error == 0 || error == -ENOENT ? Status() : FailErrno("remove an entry", -error);
  }

  // Entries that others add or remove meanwhile may or may not be in it.
  Result<std::vector<std::pair<Key, Value>>> All() const {
    std::vector<std::pair<Key, Value>> entries;
    Key key{};
    Value value{};
    int error = bpf_map_get_next_key(fd_, nullptr, &key);
    // When a key vanishes, the kernel starts over: bounded, or a busy table would keep us here for ever.
    for (uint64_t steps = 0; error == 0 && steps < 2ULL * max_entries_; ++steps) {
      if (bpf_map_lookup_elem(fd_, &key, &value) == 0) {
        entries.emplace_back(key, value);
      }
      Key next{};
      error = bpf_map_get_next_key(fd_, &key, &next);
      key = next;
    }
    return error == 0 || error == -ENOENT ? Result<std::vector<std::pair<Key, Value>>>(std::move(entries))
                                          : FailErrno("read the entries", -error);
  }

 private:
  int fd_;
  uint32_t max_entries_;
};

using EndpointMap = HashMap<rpctee_endpoint_key, rpctee_endpoint>;
using FlowMap = HashMap<rpctee_flow_key, rpctee_flow>;
using HandbackMap = HashMap<rpctee_flow_key, rpctee_handback>;
using PortMap = HashMap<uint32_t, uint64_t>;
using OwnMap = HashMap<rpctee_flow_key, uint32_t>;

rpctee_endpoint_key ToKey(const SocketAddress& address);
SocketAddress FromKey(const rpctee_endpoint_key& key);
rpctee_flow_key ToKey(const Flow& flow);
void FromKey(const rpctee_flow_key& key, Flow& flow);

// The counters of all CPUs added up. Each is exact; two of them may be a packet apart.
Result<rpctee_counters> ReadCounters(int fd);

}  // namespace rpctee::tap
