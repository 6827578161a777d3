// Just enough of Dubbo2 and Hessian2 to be one end of a conversation: one string argument, one string answer.
//
// Written apart from userspace/protocol on purpose: the sample programs judge rpctee, so they must not share its
// reading of the wire. Any thread; owns nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_reader.h"

namespace rpctee::sample {

inline constexpr size_t kHeaderBytes = 16;
inline constexpr uint32_t kMaxBodyBytes = 16U << 20;
inline constexpr uint8_t kHessian2 = 2;
inline constexpr uint8_t kStatusOk = 20;
inline constexpr uint8_t kStatusBadRequest = 40;
inline constexpr uint8_t kStatusServiceError = 70;

struct FrameHeader {
  bool request = false;
  bool two_way = false;
  bool event = false;
  uint8_t serialization = kHessian2;
  uint8_t status = 0;
  uint64_t id = 0;
  uint32_t body_bytes = 0;
};

// Needs kHeaderBytes bytes. Nothing when they are no Dubbo header, or the body is longer than kMaxBodyBytes.
std::optional<FrameHeader> ReadHeader(Bytes bytes);

// Appends a frame: header, then whatever the caller appends, then EndFrame writes the length.
// Returns where the frame begins in `out`.
size_t BeginFrame(std::string& out, const FrameHeader& header);
void EndFrame(std::string& out, size_t begin);

// `text` is UTF-8 of the basic plane (or CESU-8, as Hessian2 writes it).
void AppendString(std::string& out, std::string_view text);

struct Call {
  std::string interface_name;
  std::string version;
  std::string method;
  std::string argument;  // the first argument, if it is a string
};

using Attachments = std::vector<std::pair<std::string, std::string>>;

// What stands before and after the one string argument of a call.
std::string CallPrefix(std::string_view interface_name, std::string_view version, std::string_view method);
std::string CallSuffix(const Attachments& attachments);
bool ReadCall(Bytes body, Call& call);

// The body of an answer with status OK: the value and the attachments that a 2.7 provider adds.
void AppendAnswer(std::string& out, std::string_view text);
bool ReadAnswer(Bytes body, std::string& text);

// One Hessian2 string, chunked or not; replaces `text`.
bool ReadString(ByteReader& reader, std::string& text);

}  // namespace rpctee::sample
