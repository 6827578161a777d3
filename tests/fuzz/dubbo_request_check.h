// What holds of any body as a Dubbo request, whatever its serialization: the same question gets the same answer in any
// order, cut short the request answers the same or not at all, and text that is handed out is valid UTF-8.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "fuzz/fuzz_check.h"
#include "fuzz/utf8_check.h"
#include "protocol/dubbo/decoded_body.h"
#include "protocol/dubbo/dubbo_codec.h"
#include "protocol/dubbo/dubbo_request.h"

namespace rpctee::fuzz {

namespace dubbo = protocol::dubbo;

struct DubboAnswer {
  protocol::FieldValue::Status status;
  std::string value;
  bool operator==(const DubboAnswer&) const = default;
};

inline DubboAnswer AskDubbo(dubbo::DubboRequest& request, const char* name) {
  const protocol::FieldValue field = request.Field(name);
  return {field.status, std::string(field.value)};
}

// The input with the header of a two-way request over it. The serialization stays when it is one of `serializations`,
// else it is the first of them.
inline std::vector<uint8_t> DubboRequestOf(Bytes input, std::initializer_list<uint8_t> serializations) {
  std::vector<uint8_t> frame(input.begin(), input.end());
  const uint8_t serialization = frame[2] & 0x1f;
  const bool is_known = std::count(serializations.begin(), serializations.end(), serialization) != 0;
  frame[0] = 0xda;
  frame[1] = 0xbb;
  frame[2] = static_cast<uint8_t>(0xc0 | (is_known ? serialization : *serializations.begin()));
  const size_t body = frame.size() - dubbo::kHeaderBytes;
  for (size_t i = 0; i < 4; ++i) {
    frame[dubbo::kHeaderBytes - 1 - i] = static_cast<uint8_t>(body >> (8 * i));
  }
  return frame;
}

inline void CheckDubboRequest(const std::vector<uint8_t>& frame) {
  using Status = protocol::FieldValue::Status;
  constexpr std::array kNames = {"interface", "method", "version", "group", "path", "timeout", "a", ""};
  dubbo::DubboRequest request(frame);
  dubbo::DubboRequest backwards(frame);
  // A copy of its own, so that a sanitizer sees the first byte past its end.
  const std::vector<uint8_t> shorter(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(frame.size() * 2 / 3));
  dubbo::DubboRequest cut(shorter);
  std::vector<DubboAnswer> answers;
  for (const char* name : kNames) {
    answers.push_back(AskDubbo(request, name));
    Require(answers.back().status == Status::kPresent || answers.back().value.empty(),
            "only a present field has a value");
    Require(IsUtf8(answers.back().value), "text that is handed out is valid UTF-8");
    const DubboAnswer from_cut = AskDubbo(cut, name);
    Require(from_cut.status == Status::kUndecodable || from_cut == answers.back(), "a cut request never lies");
  }
  for (size_t i = kNames.size(); i-- > 0;) {
    Require(AskDubbo(backwards, kNames[i]) == answers[i], "the order of questions does not matter");
  }
}

// One input of a fuzz target.
inline void FuzzDubboRequest(Bytes input, std::initializer_list<uint8_t> serializations) {
  // Larger inputs could use up the bound on text that is made, and then the order of questions does matter.
  if (input.size() >= dubbo::kHeaderBytes && input.size() <= dubbo::DecodedBody::kMaxOwnedBytes / 4) {
    CheckDubboRequest(DubboRequestOf(input, serializations));
  }
}

}  // namespace rpctee::fuzz
