// Any body as a Dubbo request: the same question gets the same answer in any order, cut short the request answers the
// same or not at all, and text that is handed out is valid UTF-8.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "fuzz/fuzz_check.h"
#include "fuzz/utf8_check.h"
#include "protocol/dubbo/dubbo_codec.h"
#include "protocol/dubbo/dubbo_request.h"

namespace {

using rpctee::Bytes;
using rpctee::fuzz::IsUtf8;
using rpctee::fuzz::Require;
using rpctee::protocol::FieldValue;
namespace dubbo = rpctee::protocol::dubbo;
using Status = FieldValue::Status;

constexpr std::array kNames = {"interface", "method", "version", "group", "path", "timeout", "a", ""};

struct Answer {
  Status status;
  std::string value;
  bool operator==(const Answer&) const = default;
};

Answer Ask(dubbo::DubboRequest& request, const char* name) {
  const FieldValue field = request.Field(name);
  return {field.status, std::string(field.value)};
}

// The input with the header of a two-way hessian2 request over it.
std::vector<uint8_t> RequestOf(Bytes input) {
  std::vector<uint8_t> frame(input.begin(), input.end());
  const std::array<uint8_t, 3> start = {0xda, 0xbb, 0xc2};
  std::copy(start.begin(), start.end(), frame.begin());
  const size_t body = frame.size() - dubbo::kHeaderBytes;
  for (size_t i = 0; i < 4; ++i) {
    frame[dubbo::kHeaderBytes - 1 - i] = static_cast<uint8_t>(body >> (8 * i));
  }
  return frame;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // Larger inputs could use up the bound on joined text, and then the order of questions does matter.
  if (size < dubbo::kHeaderBytes || size > dubbo::Hessian2Body::kMaxOwnedBytes / 4) {
    return 0;
  }
  const std::vector<uint8_t> frame = RequestOf({data, size});
  dubbo::DubboRequest request(frame);
  dubbo::DubboRequest backwards(frame);
  // A copy of its own, so that a sanitizer sees the first byte past its end.
  const std::vector<uint8_t> shorter(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(frame.size() * 2 / 3));
  dubbo::DubboRequest cut(shorter);
  std::vector<Answer> answers;
  for (const char* name : kNames) {
    answers.push_back(Ask(request, name));
    Require(answers.back().status == Status::kPresent || answers.back().value.empty(),
            "only a present field has a value");
    Require(IsUtf8(answers.back().value), "text that is handed out is valid UTF-8");
    const Answer from_cut = Ask(cut, name);
    Require(from_cut.status == Status::kUndecodable || from_cut == answers.back(), "a cut request never lies");
  }
  for (size_t i = kNames.size(); i-- > 0;) {
    Require(Ask(backwards, kNames[i]) == answers[i], "the order of questions does not matter");
  }
  return 0;
}
