#include "support/dubbo_frames.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace rpctee::test {
namespace {

constexpr size_t kHeaderBytes = 16;
constexpr size_t kStatusOffset = 3;
constexpr size_t kChunkMaxBytes = 65'535;
constexpr size_t kChunkHeaderBytes = 3;

void Put16(std::vector<uint8_t>& out, size_t value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

// Hessian 2.0 string: the three ways to write a length, by size.
void PutString(std::vector<uint8_t>& out, std::string_view text) {
  if (text.size() < 32) {
    out.push_back(static_cast<uint8_t>(text.size()));
  } else if (text.size() < 1024) {
    Put16(out, 0x3000 | text.size());
  } else if (text.size() <= kChunkMaxBytes) {
    out.push_back('S');
    Put16(out, text.size());
  } else {
    throw std::invalid_argument("a string of more than 65535 bytes is not supported");
  }
  out.insert(out.end(), text.begin(), text.end());
}

// A Hessian 2.0 byte[] that takes exactly `bytes`, its chunk headers included: 'A' for a chunk that others follow, 'B'
// for the last. The bytes are neither zero nor all the same, so that a shifted copy shows.
void PutBinary(std::vector<uint8_t>& out, size_t bytes) {
  for (size_t left = bytes; left > 0;) {
    const bool is_last = left <= kChunkMaxBytes + kChunkHeaderBytes;
    // Leaves at least the header of one more chunk.
    const size_t chunk = is_last ? left : std::min(kChunkMaxBytes + kChunkHeaderBytes, left - kChunkHeaderBytes);
    out.push_back(is_last ? 'B' : 'A');
    Put16(out, chunk - kChunkHeaderBytes);
    for (size_t i = kChunkHeaderBytes; i < chunk; ++i) {
      out.push_back(static_cast<uint8_t>(out.size() % 251));
    }
    left -= chunk;
  }
}

std::vector<uint8_t> AttachmentsOf(const DubboRequestOptions& options) {
  std::vector<uint8_t> map = {'H'};
  const auto put = [&map](std::string_view key, std::string_view value) {
    PutString(map, key);
    PutString(map, value);
  };
  put("path", options.service);
  put("interface", options.service);
  for (const auto& [key, value] : options.attachments) {
    put(key, value);
  }
  map.push_back('Z');
  return map;
}

}  // namespace

std::vector<uint8_t> DubboFrame(uint8_t flags, uint64_t id, Bytes body) {
  std::vector<uint8_t> frame = {0xda, 0xbb, flags, 0};
  for (int shift = 56; shift >= 0; shift -= 8) {
    frame.push_back(static_cast<uint8_t>(id >> shift));
  }
  Put16(frame, body.size() >> 16);
  Put16(frame, body.size() & 0xffff);
  frame.insert(frame.end(), body.begin(), body.end());
  return frame;
}

std::vector<uint8_t> DubboRequest(uint64_t id, size_t frame_bytes, const DubboRequestOptions& options) {
  std::vector<uint8_t> body;
  PutString(body, "2.0.2");
  PutString(body, options.service);
  PutString(body, options.version);
  PutString(body, options.method);
  PutString(body, "[B");
  const std::vector<uint8_t> attachments = AttachmentsOf(options);
  const size_t shortest = kHeaderBytes + body.size() + kChunkHeaderBytes + attachments.size();
  const size_t wanted = frame_bytes == 0 ? shortest : frame_bytes;
  if (wanted < shortest) {
    throw std::invalid_argument("the shortest such request has " + std::to_string(shortest) + " bytes");
  }
  PutBinary(body, kChunkHeaderBytes + wanted - shortest);
  body.insert(body.end(), attachments.begin(), attachments.end());
  return DubboFrame(options.flags, id, body);
}

std::vector<uint8_t> DubboRequest(uint64_t id, size_t frame_bytes, uint8_t flags) {
  return DubboRequest(id, frame_bytes, DubboRequestOptions{.flags = flags});
}

std::vector<uint8_t> DubboHeartbeat(uint64_t id) { return DubboFrame(kDubboHeartbeat, id, std::vector<uint8_t>{'N'}); }

std::vector<uint8_t> DubboReadonly(uint64_t id) { return DubboFrame(kDubboReadonly, id, std::vector<uint8_t>{1, 'R'}); }

std::vector<uint8_t> DubboResponse(uint64_t id, uint8_t status) {
  // Result flag 2: null value.
  std::vector<uint8_t> frame = DubboFrame(kDubboAnswer, id, std::vector<uint8_t>{0x92});
  frame[kStatusOffset] = status;
  return frame;
}

}  // namespace rpctee::test
