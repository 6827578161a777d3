// The subprograms of a program and how deep their stack can get.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "bpf/lint/instructions.h"

namespace rpctee::lint {

// First instructions of the subprograms, ascending; the entry's, 0, is always there. For an object's code.
std::vector<size_t> SubprogramStarts(const Instructions& object);
// Of the deepest chain of calls. `depths` are by subprogram; empty when they do not fit the object.
std::optional<uint32_t> ChainStackBytes(const Instructions& object, const std::vector<uint32_t>& depths);

}  // namespace rpctee::lint
