// Dubbo frames by hand, so that the tests do not lean on the codec that the code under test uses.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/byte_reader.h"

namespace rpctee::mirror {

using ByteVector = std::vector<uint8_t>;

inline void PutBe(ByteVector& out, uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<uint8_t>(value >> shift));
  }
}

inline ByteVector Frame(uint8_t flags, uint8_t status, uint64_t id, Bytes body) {
  ByteVector frame = {0xda, 0xbb, flags, status};
  PutBe(frame, id, 8);
  PutBe(frame, body.size(), 4);
  frame.insert(frame.end(), body.begin(), body.end());
  return frame;
}

// The body's bytes differ with the id, so that a copy can be told from another.
inline ByteVector PatternBody(uint64_t id, size_t bytes) {
  ByteVector body(bytes);
  for (size_t i = 0; i < bytes; ++i) {
    body[i] = static_cast<uint8_t>(id * 31 + i * 7);
  }
  return body;
}

inline ByteVector Request(uint64_t id, size_t body_bytes = 40) {
  return Frame(0xc2, 0, id, PatternBody(id, body_bytes));
}
inline ByteVector Oneway(uint64_t id, size_t body_bytes = 40) {
  return Frame(0x82, 0, id, PatternBody(id, body_bytes));
}
// With status 20: a value with attachments.
inline ByteVector Reply(uint64_t id, uint8_t status = 20, size_t body_bytes = 3) {
  ByteVector body = PatternBody(id, body_bytes);
  if (!body.empty()) {
    body[0] = 0x94;
  }
  return Frame(0x02, status, id, body);
}
inline ByteVector Heartbeat(uint64_t id) { return Frame(0xe2, 0, id, ByteVector{0x4e}); }
inline ByteVector ReadonlyEvent() { return Frame(0xa2, 0, 0, ByteVector{0x01, 'R'}); }

inline ByteVector& operator+=(ByteVector& left, const ByteVector& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

}  // namespace rpctee::mirror
