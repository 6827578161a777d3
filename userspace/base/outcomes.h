// How requests and copies end, by name: the enumerations of the one list in bpf/abi/reasons.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bpf/abi/reasons.h"

namespace rpctee {

#define RPCTEE_ENUMERATOR(name, ...) name,
// NOLINTBEGIN(readability-identifier-naming): the names are those of the shared list, as users see them.
enum class RequestOutcome : uint8_t { RPCTEE_REQUEST_OUTCOMES(RPCTEE_ENUMERATOR) kCount };
enum class CopyOutcome : uint8_t { RPCTEE_COPY_OUTCOMES(RPCTEE_ENUMERATOR) kCount };
// NOLINTEND(readability-identifier-naming)
#undef RPCTEE_ENUMERATOR

inline constexpr size_t kRequestOutcomes = static_cast<size_t>(RequestOutcome::kCount);
inline constexpr size_t kCopyOutcomes = static_cast<size_t>(CopyOutcome::kCount);

std::string_view Name(RequestOutcome outcome);
std::string_view Name(CopyOutcome outcome);

}  // namespace rpctee
