// The start of a message that a THeader packed with zlib.
//
// Any thread; owns nothing. Whatever the stream holds, kUnpackedBytes of it are unpacked and no more.
#pragma once

#include <span>

#include "protocol/thrift/envelope.h"

namespace rpctee::protocol::thrift {

// Enough for the longest header of a message in any encoding: version, type, sequence id, lengths, name.
inline constexpr size_t kUnpackedBytes = kMaxNameBytes + 16;

// True for a message in a known encoding that zlib, and nothing else, was applied to.
bool IsPacked(const Envelope& envelope);

// Reads the message of an envelope that IsPacked, opened from `frame`. When that works it is no longer hidden; its name
// stands in `unpacked` (kUnpackedBytes), and places in the message are places there. Anything else stays as it is.
void Unpack(Envelope& envelope, Bytes frame, std::span<uint8_t> unpacked);

}  // namespace rpctee::protocol::thrift
