// Dubbo2 framing: the 16-byte header, and the few messages that a consumer must be able to send.
//
// Header layout and flag bits: Apache Dubbo, ExchangeCodec (2.5 to 3.3). Any thread; owns nothing.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "protocol/codec.h"
#include "protocol/dubbo/serialization.h"

namespace rpctee::protocol::dubbo {

inline constexpr size_t kHeaderBytes = 16;
// Where the request id stands.
inline constexpr size_t kIdAt = 4;
inline constexpr size_t kIdBytes = 8;
inline constexpr uint8_t kStatusOk = 20;

// Reads the header at the start of `bytes`. kNeedMore with fewer than 16 bytes that could still become a header;
// kMalformed when the magic is wrong or the body length is negative. Does not wait for the body.
FrameHeader ParseHeader(Bytes bytes);

// Overwrites the request id in a whole header. `frame` has at least kHeaderBytes bytes.
void RewriteId(std::span<uint8_t> frame, uint64_t id);

// A complete answer to the heartbeat whose header is given. Always hessian2 (body: null), whatever the heartbeat used:
// each Dubbo frame names its own serialization, and null is written differently in each.
std::array<uint8_t, kHeaderBytes + 1> HeartbeatAnswer(const FrameHeader& heartbeat);

// True for the body of a READONLY event ("R"): the provider is about to stop and wants no new requests.
// Knows "R" as hessian2, fastjson and fastjson2 write it.
bool IsReadonlyEvent(const FrameHeader& header, Bytes body);

}  // namespace rpctee::protocol::dubbo
