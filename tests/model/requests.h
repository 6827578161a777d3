// Requests for connections: made once, of several sizes and protocols, each with a place for an id.
//
// Any thread; the samples are constant.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "support/packet_builder.h"

namespace rpctee::test {

enum class Speech : uint8_t { kDubbo, kThriftFramed, kThriftUnframed };

struct SampleRequest {
  ByteVector bytes;
  size_t id_at = 0;             // 8 bytes, highest first
  std::vector<size_t> planted;  // where whole requests begin and end that stand in its body
};

// What is never altered: it says that the bytes are a request, which one, and how long it is. The last bytes may end an
// argument.
inline constexpr size_t kRequestHeadBytes = 64;
inline constexpr size_t kRequestTailBytes = 8;

// `is_small`: of a few hundred bytes.
const SampleRequest& RandomRequest(std::mt19937& random, Speech speech, bool is_small);

// The id in a request, or 0 when it is none of these.
uint64_t IdOf(Bytes request);
void SetId(ByteVector& bytes, size_t at, uint64_t id);

}  // namespace rpctee::test
