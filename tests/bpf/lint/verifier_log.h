// Reads the verifier's level 2 log: on every path that it walked, what each load, store and call worked on.
//
// The log of Linux 5.10 prints all registers before each instruction, later ones print what changed after it. Both are
// followed by keeping a table of the current frame's registers. What can't be told is kUnknown, never a guess.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bpf/lint/instructions.h"

namespace rpctee::lint {

enum class RegisterKind {
  kUnknown,  // not told by the log
  kScalar,
  kOwnMemory,  // stack, map value, ring buffer record
  kContext,    // struct __sk_buff
  kPacket,     // a pointer into the packet, or its end
  kOther,      // map, function, socket and so on
};

using Kinds = std::set<RegisterKind>;

struct LogFacts {
  std::string mismatch;               // not empty: the log does not fit the object, and nothing else here counts
  std::vector<bool> visited;          // by instruction; the kernel removes what it never visited
  std::map<size_t, Kinds> bases;      // of loads and stores: kinds of the address register, over all paths
  std::map<size_t, Kinds> arguments;  // of helper calls: kinds of r1 to r5 that hold something
  uint64_t verified_instructions = 0;
  std::vector<uint32_t> stack_depths;  // bytes, by subprogram in the order of their first instructions
};

LogFacts ReadVerifierLog(std::string_view log, const Instructions& object);

}  // namespace rpctee::lint
