// Thrift calls for tests, framed and not: one string argument, whatever bytes it has.
//
// Any thread. Written here a second time on purpose, independent of userspace/protocol: a test must not use the code
// under test to make its input.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_reader.h"

namespace rpctee::test {

// The message alone: binary protocol, strict (version 1), or compact.
std::vector<uint8_t> ThriftBinary(uint32_t sequence_id, const std::string& method, Bytes argument);
std::vector<uint8_t> ThriftCompact(uint32_t sequence_id, const std::string& method, Bytes argument);
// The same without the version, as the first Thrift wrote it.
std::vector<uint8_t> ThriftOldBinary(uint32_t sequence_id, const std::string& method, Bytes argument);
// A message behind a THeader: binary, no transforms.
std::vector<uint8_t> ThriftHeader(uint32_t sequence_id, Bytes message);

// With its length in front.
std::vector<uint8_t> ThriftFrame(Bytes message);

}  // namespace rpctee::test
