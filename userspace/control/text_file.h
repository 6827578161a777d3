// Whole files as text, within a limit. Any thread; no state.
#pragma once

#include <string>

#include "base/result.h"

namespace rpctee::control {

// "-" is standard input. Also reads pipes, as in `rpctee check <(kubectl get pods -o yaml)`. The error does not name
// the path: the caller knows it.
Result<std::string> ReadTextFile(const std::string& path, size_t max_bytes);

}  // namespace rpctee::control
