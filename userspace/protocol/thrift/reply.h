// What a Thrift server's reply says, by its first bytes.
//
// Any thread; owns nothing, allocates nothing. Of the result only its first field is looked at: field 0 is what the
// method returns, any other an exception that the service declares, none the end of a method that returns nothing.
#pragma once

#include <cstdint>
#include <string_view>

#include "protocol/codec.h"

namespace rpctee::protocol::thrift {

enum class ReplyKind : uint8_t {
  kResult,
  kDeclaredException,  // a REPLY that holds an exception of the service's interface
  kServerException,    // TApplicationException, such as "unknown method"
  kUnreadable,         // hidden by a THeader, or not within the first bytes
  kNoReply,            // a call
};

struct Reply {
  // kNeedMore: the first bytes end inside the header; the kind is kUnreadable then, and the id may be missing (0).
  FrameStatus status = FrameStatus::kNeedMore;
  std::string_view error;  // for kMalformed: why
  uint32_t id = 0;         // of a THeader the one in the header
  ReplyKind kind = ReplyKind::kUnreadable;
};

// `head`: the first bytes of one message, framed or not, or all of it. Looks into what zlib packed.
Reply ReadReply(Bytes head);

}  // namespace rpctee::protocol::thrift
