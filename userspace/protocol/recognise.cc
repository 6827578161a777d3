#include "protocol/recognise.h"

#include <algorithm>
#include <array>

#include "bpf/abi/recognise.h"
#include "protocol/codec.h"

namespace rpctee::protocol {
namespace {

static_assert(static_cast<int>(Content::kUnknown) == RPCTEE_CONTENT_UNKNOWN);
static_assert(static_cast<int>(Content::kDubbo) == RPCTEE_CONTENT_DUBBO);
static_assert(static_cast<int>(Content::kThriftFramed) == RPCTEE_CONTENT_THRIFT_FRAMED);
static_assert(static_cast<int>(Content::kThriftUnframed) == RPCTEE_CONTENT_THRIFT_UNFRAMED);
static_assert(static_cast<int>(Content::kTls) == RPCTEE_CONTENT_TLS);
static_assert(static_cast<int>(Content::kHttp1) == RPCTEE_CONTENT_HTTP1);
static_assert(static_cast<int>(Content::kHttp2) == RPCTEE_CONTENT_HTTP2);
static_assert(static_cast<int>(Content::kTelnet) == RPCTEE_CONTENT_TELNET);
static_assert(static_cast<int>(Content::kOther) == RPCTEE_CONTENT_OTHER);
static_assert(static_cast<int>(Content::kOther) + 1 == RPCTEE_CONTENTS);
static_assert(kRecogniseBytes == RPCTEE_RECOGNISE_BYTES);
static_assert(kMaxBodyBytes == RPCTEE_BODY_MAX);
static_assert(kStrictBytes >= RPCTEE_DUBBO_STRICT_BYTES && kStrictBytes >= RPCTEE_THRIFT_STRICT_BYTES);

// The tests read a fixed number of bytes; what the stream does not have yet is zero.
struct Padded {
  explicit Padded(Bytes stream) : have(static_cast<uint32_t>(std::min(stream.size(), kRecogniseBytes))) {
    std::copy_n(stream.begin(), have, bytes.begin());
  }
  std::array<uint8_t, kRecogniseBytes> bytes{};
  uint32_t have;
};

constexpr uint32_t kDubboHeaderBytes = 16;
constexpr uint8_t kDubboTwoWay = 0x40;

bool StartsDubboFrame(const Padded& start) {
  const auto& bytes = start.bytes;
  const uint8_t flags = bytes[2];
  const bool is_request = (flags & RPCTEE_DUBBO_REQUEST) != 0;
  const uint32_t body_bytes = rpctee_be32(&bytes[12]);
  if (start.have < kDubboHeaderBytes || rpctee_be16(bytes.data()) != RPCTEE_DUBBO_MAGIC ||
      (flags & RPCTEE_DUBBO_SERIALIZATION) == 0) {
    return false;
  }
  // A request has no status, and an answer never asks for one.
  if (is_request ? bytes[3] != 0 : (flags & kDubboTwoWay) != 0) {
    return false;
  }
  return body_bytes <= ((flags & RPCTEE_DUBBO_EVENT) != 0 ? RPCTEE_DUBBO_EVENT_MAX_BYTES : RPCTEE_BODY_MAX);
}

}  // namespace

Content Recognise(Bytes first) {
  const Padded start(first);
  return static_cast<Content>(rpctee_recognise(start.bytes.data(), start.have));
}

Content RequestAt(Bytes at) {
  const Padded start(at);
  return static_cast<Content>(rpctee_request_at(start.bytes.data(), start.have));
}

bool StartsRequest(Content protocol, Bytes at) {
  const Padded start(at);
  return rpctee_starts_request(static_cast<uint32_t>(protocol), start.bytes.data(), start.have) != 0;
}

bool StartsFrame(Content protocol, Bytes at) {
  return protocol == Content::kDubbo ? StartsDubboFrame(Padded(at)) : StartsRequest(protocol, at);
}

}  // namespace rpctee::protocol
