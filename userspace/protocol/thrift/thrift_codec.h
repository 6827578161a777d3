// Thrift messages in frames: binary (strict, and as the first Thrift wrote it), compact, and THeader.
//
// Any thread; owns nothing. Wire facts: thrift-binary-protocol.md, thrift-compact-protocol.md and HeaderFormat.md of
// Apache Thrift.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "protocol/codec.h"
#include "protocol/thrift/envelope.h"

namespace rpctee::protocol::thrift {

// What FrameHeader::reply_status says of a response: its message type. A reply may still hold an exception that the
// service declares; kStatusException is the server's own, such as "unknown method". 0: hidden, and not in responses.
inline constexpr uint8_t kStatusReply = static_cast<uint8_t>(MessageType::kReply);
inline constexpr uint8_t kStatusException = static_cast<uint8_t>(MessageType::kException);

// Reads a frame as far as the arguments of its message; does not wait for them. frame_bytes is there as soon as four
// bytes are, also with kNeedMore. id: the sequence id, of a THeader the one in the header. serialization: an Encoding,
// or another protocol id of a THeader (255: that or more). A message that a THeader hides (transforms, unknown
// protocol) has the kind kRequest, whatever it is. kMalformed: a length that cannot be, or behind it none of the known
// messages.
FrameHeader ParseFramed(Bytes bytes);

// The same for a whole frame, but looks into a message that is packed with zlib. Costs some microseconds more for
// these.
FrameHeader ParseFramedInflating(Bytes frame);

// Overwrites the sequence id in a whole message, framed or not. An id in compact encoding can be overwritten by one
// that needs no more bytes; when it does not fit, or a THeader's message is hidden, the answer is false and nothing
// changes. With THeader both ids are overwritten, the header's and the message's: Apache Thrift's servers (C++, Python,
// Go) put the message's id into the header of the reply.
[[nodiscard]] bool RewriteId(std::span<uint8_t> message, uint32_t id);

// By how much a message may become longer with another id.
inline constexpr size_t kMaxIdGrowthBytes = 4;

// Copies a whole message, framed or not, with another id, for which it makes room where it needs to. `copy` has
// kMaxIdGrowthBytes more than `message`. Returns how many bytes the copy has; nothing when the id is hidden or a frame
// is not whole.
std::optional<size_t> CopyWithId(Bytes message, uint32_t id, std::span<uint8_t> copy);

}  // namespace rpctee::protocol::thrift
