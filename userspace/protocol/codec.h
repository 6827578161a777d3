// What a protocol must be able to do with bytes: find where a message ends, tell what it is, rename it.
//
// Stateless and without allocation; any thread. Wire bytes are ordinary input: a codec answers frame, need more or
// malformed, never throws, never reads past the end.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/byte_reader.h"

namespace rpctee::protocol {

// The longest body of a Dubbo frame, and the longest Thrift message, for the tap program and for us: RPCTEE_BODY_MAX.
// What announces more is no frame.
inline constexpr uint32_t kMaxBodyBytes = 256U << 20;

enum class FrameStatus : uint8_t { kFrame, kNeedMore, kMalformed };

enum class MessageKind : uint8_t {
  kRequest,    // expects an answer
  kOneway,     // a request that expects none
  kHeartbeat,  // an event that expects an answer
  kEvent,      // an event that expects none
  kResponse,
  kEventResponse,  // the answer to a heartbeat
};

std::string_view Name(MessageKind kind);

// What the fixed header of one message says.
struct FrameHeader {
  FrameStatus status = FrameStatus::kNeedMore;
  std::string_view error;    // for kMalformed: why
  uint64_t frame_bytes = 0;  // header and body
  MessageKind kind = MessageKind::kRequest;
  uint64_t id = 0;
  uint8_t serialization = 0;
  uint8_t reply_status = 0;
};

// The answer to a look-up of a field that a rule asks for.
struct FieldValue {
  enum class Status : uint8_t {
    kPresent,
    kAbsent,
    kUndecodable,  // the body can't be read as far as needed, so whether the field is there is unknown
  };
  Status status = Status::kAbsent;
  std::string_view value;  // valid as long as the view that returned it
};

// One whole request, read only as far as somebody asks. Not thread safe: look-ups may parse and remember.
class RequestView {
 public:
  virtual ~RequestView() = default;
  // `interface`, `method`, `version`, `group`, or the name of an attachment; names are compared case-insensitively.
  virtual FieldValue Field(std::string_view name) = 0;
};

}  // namespace rpctee::protocol
