// What stands in front of the arguments of a Thrift message: type, name, sequence id, in any of the three encodings.
//
// Any thread; owns nothing. thrift-binary-protocol.md and thrift-compact-protocol.md of Apache Thrift.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/codec.h"

namespace rpctee::protocol::thrift {

// As THeader numbers them.
enum class Encoding : uint8_t { kBinary = 0, kCompact = 2 };

// As they stand on the wire.
enum class MessageType : uint8_t { kCall = 1, kReply = 2, kException = 3, kOneway = 4 };

// How messages begin: strict binary 80 01 (unused) (type), compact 82 (type << 5 | version).
inline constexpr uint8_t kBinaryFirstByte = 0x80;
inline constexpr uint8_t kCompactFirstByte = 0x82;
inline constexpr uint8_t kVersion = 1;
inline constexpr uint8_t kCompactVersionMask = 0x1f;
inline constexpr int kCompactTypeShift = 5;

// Longer names, "Service:method" included, are not believed.
inline constexpr size_t kMaxNameBytes = 1024;

MessageKind KindOf(MessageType type);
constexpr bool IsMessageType(unsigned type) { return type >= 1 && type <= 4; }

struct MessageHeader {
  FrameStatus status = FrameStatus::kNeedMore;
  std::string_view error;  // for kMalformed: why
  Encoding encoding = Encoding::kBinary;
  MessageType type = MessageType::kCall;
  std::string_view name;  // in the bytes that were read; nobody has checked that it is text
  uint32_t sequence_id = 0;
  size_t sequence_at = 0;     // where the id stands in the message
  size_t sequence_bytes = 0;  // 4 in binary, as many as were used in compact
  size_t header_bytes = 0;    // where the arguments begin
};

// Reads the header of a message of `message_bytes`, of which `bytes` are the first or all. A message that is not strict
// binary (version and type) nor compact (id and version) is read as binary of the first Thrift, which began with the
// name; there the name must be printable ASCII.
MessageHeader ParseMessageHeader(Bytes bytes, uint64_t message_bytes);

}  // namespace rpctee::protocol::thrift
