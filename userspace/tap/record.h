// From a ring record to what it captured. Any thread; owns nothing.
#pragma once

#include "base/byte_reader.h"
#include "base/capture.h"

namespace rpctee::tap {

// False when the record is not one that the tap program writes: an unknown kind, protocol or reason, or lengths that
// don't fit together; then `captured` is as it was. What was captured has the record's own bytes.
bool ParseRecord(Bytes record, CapturedRecord& captured);

}  // namespace rpctee::tap
