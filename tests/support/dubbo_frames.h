// Dubbo frames for tests: requests whose Hessian2 body a real provider could read, heartbeats, and answers.
//
// Any thread. Written here a second time on purpose, independent of userspace/protocol: a test must not use the code
// under test to make its input.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_reader.h"

namespace rpctee::test {

// The third byte of the header: request, two-way, event; the low five bits are the serialization.
inline constexpr uint8_t kDubboTwoWay = 0xc2;
inline constexpr uint8_t kDubboOneWay = 0x82;
inline constexpr uint8_t kDubboHeartbeat = 0xe2;
inline constexpr uint8_t kDubboReadonly = 0xa2;
inline constexpr uint8_t kDubboAnswer = 0x02;

struct DubboRequestOptions {
  uint8_t flags = kDubboTwoWay;
  std::string service = "org.example.DemoService";
  std::string version = "1.0.0";
  std::string method = "blob";
  // ASCII. Comes after the attachments "path" and "interface" of every request.
  std::vector<std::pair<std::string, std::string>> attachments = {};
};

// A header with this flag byte, status 0 and the body's length, and the body.
std::vector<uint8_t> DubboFrame(uint8_t flags, uint64_t id, Bytes body);

// A request of exactly `frame_bytes`, header included: one byte[] argument fills it up. 0 means as short as possible;
// a length that is too short for the options throws std::invalid_argument.
std::vector<uint8_t> DubboRequest(uint64_t id, size_t frame_bytes = 0, const DubboRequestOptions& options = {});
// The same with another flag byte.
std::vector<uint8_t> DubboRequest(uint64_t id, size_t frame_bytes, uint8_t flags);

std::vector<uint8_t> DubboHeartbeat(uint64_t id);
// The one-way event of a provider that is about to close.
std::vector<uint8_t> DubboReadonly(uint64_t id);
// An answer without a value.
std::vector<uint8_t> DubboResponse(uint64_t id, uint8_t status = 20);

}  // namespace rpctee::test
