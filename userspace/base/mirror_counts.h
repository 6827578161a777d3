// What the agent's connections to mirrors went through, by endpoint: beside the ends of copies, to explain them. The
// names come from the one list in bpf/abi/reasons.h.
//
// Plain values; one thread at a time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.h"
#include "bpf/abi/reasons.h"

namespace rpctee {

#define RPCTEE_ENUMERATOR(name, ...) name,
// NOLINTNEXTLINE(readability-identifier-naming): the names are those of the shared list, as users see them.
enum class MirrorCounter : uint8_t { RPCTEE_MIRROR_COUNTERS(RPCTEE_ENUMERATOR) kCount };
#undef RPCTEE_ENUMERATOR

inline constexpr size_t kMirrorCounters = static_cast<size_t>(MirrorCounter::kCount);

std::string_view Name(MirrorCounter counter);

struct MirrorCounts {
  std::optional<SocketAddress> endpoint;  // none: what has no endpoint, or is beyond the table's limit
  std::array<uint64_t, kMirrorCounters> counts{};
  std::map<std::string, uint64_t> errors;  // answers that ended copies as answered_error, by the server's name for it

  bool IsEmpty() const;
  // One line for people, without what is zero.
  std::string ToText() const;
  // One JSON object: "endpoint", every counter, "errors".
  std::string ToJson() const;
};

// Row by row; rows that only one side has are taken over.
void AddRows(std::vector<MirrorCounts>& sums, const std::vector<MirrorCounts>& rows);

}  // namespace rpctee
