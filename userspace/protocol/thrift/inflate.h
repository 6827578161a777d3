// The first bytes of what zlib packed, within fixed memory and time.
//
// Any thread; nothing is allocated: zlib's own state lives on the stack (about 50 KiB) while the call lasts.
#pragma once

#include <span>

#include "base/byte_reader.h"

namespace rpctee::protocol::thrift {

// No honest stream needs more to yield the few hundred bytes that anybody asks for here; one of empty blocks would.
inline constexpr size_t kMaxInflateInput = 16 * 1024;

// Unpacks `packed` (RFC 1950) until `out` is full, the input ends or makes no sense, and returns the bytes that are
// there then. What stands behind them in the stream, its checksum too, is not looked at.
Bytes InflatePrefix(Bytes packed, std::span<uint8_t> out);

}  // namespace rpctee::protocol::thrift
