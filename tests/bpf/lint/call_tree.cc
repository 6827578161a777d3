#include "bpf/lint/call_tree.h"

#include <algorithm>
#include <set>

namespace rpctee::lint {
namespace {

// The kernel's own limit on frames is 8; a cycle, which it refuses, would get here.
constexpr int kFramesMax = 16;

struct Call {
  size_t from;  // instruction
  size_t to;    // first instruction of the subprogram
};

// Calls of subprograms, and addresses of them that are taken, for bpf_loop.
std::vector<Call> Calls(const Instructions& object) {
  std::vector<Call> calls;
  ForEachInstruction(object, [&](size_t i, const bpf_insn& insn) {
    if (IsSubprogramCall(insn) || IsSubprogramAddress(insn)) {
      calls.push_back({.from = i, .to = static_cast<size_t>(static_cast<int64_t>(i) + 1 + insn.imm)});
    }
  });
  return calls;
}

struct Tree {
  std::vector<size_t> starts;
  std::vector<std::set<size_t>> callees;  // by subprogram: subprograms
  const std::vector<uint32_t>& depths;

  size_t SubprogramOf(size_t instruction) const {
    return static_cast<size_t>(std::upper_bound(starts.begin(), starts.end(), instruction) - starts.begin()) - 1;
  }

  std::optional<uint32_t> Deepest(size_t subprogram, int frames_left) const {
    if (frames_left == 0) {
      return std::nullopt;
    }
    uint32_t below = 0;
    for (const size_t callee : callees[subprogram]) {
      const std::optional<uint32_t> bytes = Deepest(callee, frames_left - 1);
      if (!bytes) {
        return std::nullopt;
      }
      below = std::max(below, *bytes);
    }
    return depths[subprogram] + below;
  }
};

}  // namespace

std::vector<size_t> SubprogramStarts(const Instructions& object) {
  std::set<size_t> starts = {0};
  for (const Call& call : Calls(object)) {
    starts.insert(call.to);
  }
  return {starts.begin(), starts.end()};
}

std::optional<uint32_t> ChainStackBytes(const Instructions& object, const std::vector<uint32_t>& depths) {
  Tree tree{.starts = SubprogramStarts(object), .callees = {}, .depths = depths};
  if (tree.starts.size() != depths.size()) {
    return std::nullopt;
  }
  tree.callees.resize(depths.size());
  for (const Call& call : Calls(object)) {
    tree.callees[tree.SubprogramOf(call.from)].insert(tree.SubprogramOf(call.to));
  }
  return tree.Deepest(0, kFramesMax);
}

}  // namespace rpctee::lint
