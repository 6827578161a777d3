// Any bytes as what a mirror sends back, on a connection of any wire: however they are cut, the same messages are told,
// and the same byte is refused.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz/fuzz_check.h"
#include "mirror/reply_reader.h"

namespace {

using rpctee::Bytes;
using rpctee::fuzz::Require;
using rpctee::mirror::Answer;
using rpctee::mirror::ReplyReader;
using rpctee::mirror::Wire;

struct Told {
  bool is_answer;
  uint64_t id;
  int verdict_or_kind;
  std::vector<uint8_t> body;
  bool operator==(const Told&) const = default;
};

class Recorder final : public rpctee::mirror::ReplySink {
 public:
  void OnAnswer(const Answer& answer) override {
    told.push_back({true, answer.id, static_cast<int>(answer.verdict) << 8 | answer.status, {}});
  }
  void OnMessage(const rpctee::protocol::FrameHeader& header, Bytes body) override {
    Require(header.kind != rpctee::protocol::MessageKind::kResponse, "an answer is told as one");
    Require(body.size() <= rpctee::mirror::DubboReplies::kKeptBytes, "no more is kept than said");
    told.push_back({false, header.id, static_cast<int>(header.kind), {body.begin(), body.end()}});
  }
  std::vector<Told> told;
};

struct Outcome {
  std::vector<Told> told;
  bool is_refused = false;
  bool operator==(const Outcome&) const = default;
};

Outcome Read(Wire wire, Bytes input, size_t piece_bytes) {
  ReplyReader reader(wire);
  Recorder recorder;
  Outcome outcome;
  for (size_t at = 0; at < input.size() && !outcome.is_refused; at += piece_bytes) {
    // A copy of its own, so that a sanitizer sees the first byte past its end.
    const Bytes piece = input.subspan(at, std::min(piece_bytes, input.size() - at));
    const std::vector<uint8_t> copy(piece.begin(), piece.end());
    outcome.is_refused = !reader.Read(copy, {}, recorder);
  }
  Require(outcome.is_refused == !reader.error().empty(), "what is refused has a reason");
  outcome.told = std::move(recorder.told);
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) {
    return 0;
  }
  // The first byte names the wire, the second how the rest is cut.
  const auto wire = static_cast<Wire>(data[0] % rpctee::mirror::kWires);
  const size_t piece_bytes = size_t{data[1]} + 1;
  const Bytes input(data + 2, size - 2);
  const Outcome whole = Read(wire, input, input.size() + 1);
  Require(Read(wire, input, 1) == whole, "byte by byte is as good as at once");
  Require(Read(wire, input, piece_bytes) == whole, "cut anywhere is as good as at once");
  return 0;
}
