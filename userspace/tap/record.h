// From a ring record to what it captured. Any thread; owns nothing.
#pragma once

#include <optional>

#include "base/byte_reader.h"
#include "base/capture.h"

namespace rpctee::tap {

// Empty when the record is not one that the tap program writes: an unknown kind, protocol or reason, or lengths that
// don't fit together. Its bytes are those of the record.
std::optional<CapturedRecord> ParseRecord(Bytes record);

}  // namespace rpctee::tap
