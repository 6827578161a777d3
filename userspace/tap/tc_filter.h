// The tc filters at the clsact hooks of an interface: list, add, remove.
//
// Control thread. Owns nothing: filters stay until someone removes them. Works in the network namespace of the calling
// thread. Needs no more than CAP_NET_ADMIN: a filter is known by the name that it carries, not by asking for its
// program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "tap/attachment.h"

namespace rpctee::tap {

struct TcFilter {
  uint32_t priority = 0;
  uint32_t handle = 0;      // 0: the head of a priority, not a filter
  uint32_t program_id = 0;  // 0 when it is no BPF filter
  std::string name;         // of a BPF filter; libbpf makes it "<program>:[<program id>]"
};

Result<std::vector<TcFilter>> ListFilters(uint32_t ifindex, Direction direction);

// Makes the clsact qdisc when there is none. The qdisc is never removed again: others may have come to use it.
Status EnsureClsact(uint32_t ifindex);

// The place, a priority and a handle, must be free.
Status AddFilter(uint32_t ifindex, Direction direction, const TcFilter& place, int program_fd);
Status RemoveFilter(uint32_t ifindex, Direction direction, const TcFilter& place);

}  // namespace rpctee::tap
