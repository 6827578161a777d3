// Any bytes as a framed or unframed Thrift message: what a prefix says holds for everything that begins with it,
// another id changes the id and nothing else, and of a request the same question gets the same answer in any order, cut
// short the same or none.
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/fuzz_check.h"
#include "fuzz/utf8_check.h"
#include "protocol/thrift/thrift_codec.h"
#include "protocol/thrift/thrift_request.h"

namespace {

using rpctee::Bytes;
using rpctee::fuzz::IsUtf8;
using rpctee::fuzz::Require;
using rpctee::protocol::FieldValue;
using rpctee::protocol::FrameHeader;
using rpctee::protocol::FrameStatus;
using rpctee::protocol::MessageKind;
namespace thrift = rpctee::protocol::thrift;
using Message = std::vector<uint8_t>;
using Status = FieldValue::Status;

// Each prefix is looked at, so larger inputs would only be slower.
constexpr size_t kMaxInput = 4096;
constexpr std::array kNames = {"interface", "method", "trace-id", "a", ""};

bool SameHeader(const FrameHeader& a, const FrameHeader& b) {
  return a.status == b.status && a.error == b.error && a.frame_bytes == b.frame_bytes && a.kind == b.kind &&
         a.id == b.id && a.serialization == b.serialization && a.reply_status == b.reply_status;
}

void CheckPrefixes(Bytes input) {
  FrameHeader settled;
  const auto length = thrift::FramedLength(input.first(std::min<size_t>(input.size(), 4)));
  for (size_t bytes = 0; bytes <= input.size(); ++bytes) {
    const FrameHeader header = thrift::ParseFramed(input.first(bytes));
    Require(settled.status == FrameStatus::kNeedMore || SameHeader(header, settled),
            "more bytes change nothing that was settled");
    Require(header.status == FrameStatus::kMalformed || bytes < 4 || header.frame_bytes == length,
            "four bytes say how long the frame is");
    Require(header.status != FrameStatus::kNeedMore || bytes < 4 || bytes < header.frame_bytes,
            "a whole frame is enough");
    Require(header.error.empty() == (header.status != FrameStatus::kMalformed), "only malformed bytes have an error");
    settled = header;
  }
  const FrameHeader inflating = thrift::ParseFramedInflating(input);
  Require(
      inflating.status == settled.status && inflating.frame_bytes == settled.frame_bytes && inflating.id == settled.id,
      "what is packed changes neither length nor id");
}

// The ids of a message as they stand in it, with THeader two of them, and how many bytes are behind the last.
struct Ids {
  uint32_t outer;
  uint32_t inner;
  size_t bytes_behind;
  bool operator==(const Ids&) const = default;
};

std::optional<Ids> IdsOf(Bytes message) {
  const thrift::Envelope envelope = thrift::OpenEnvelope(message);
  if (envelope.status != FrameStatus::kFrame || envelope.is_hidden) {
    return std::nullopt;
  }
  const thrift::MessageHeader& header = envelope.message;
  const uint32_t outer =
      envelope.wrapping == thrift::Wrapping::kHeader ? envelope.transport.sequence_id : header.sequence_id;
  return Ids{outer, header.sequence_id,
             message.size() - envelope.message_at - header.sequence_at - header.sequence_bytes};
}

void CheckRewritten(const Message& message, const std::optional<Ids>& ids) {
  Message renamed = message;
  const uint32_t id = ids ? ~ids->inner : 1;
  if (!thrift::RewriteId(renamed, id)) {
    Require(renamed == message, "a message that can't be renamed is left alone");
    return;
  }
  Require(ids.has_value(), "a hidden id can't be rewritten");
  Require(IdsOf(renamed) == Ids{id, id, ids->bytes_behind}, "the new id is read back");
  Require(thrift::RewriteId(renamed, ids->inner), "an id fits where it stood");
  Require(ids->outer != ids->inner || renamed == message, "the old id restores the old bytes");
}

void CheckCopied(const Message& message, const std::optional<Ids>& ids) {
  Message copy(message.size() + thrift::kMaxIdGrowthBytes);
  const uint32_t id = ids ? ~ids->inner : 1;
  const auto bytes = thrift::CopyWithId(message, id, copy);
  if (!bytes) {
    return;
  }
  Require(ids.has_value(), "a hidden id can't be given to a copy");
  Require(*bytes >= message.size() && *bytes <= copy.size(), "the copy is somewhat longer at most");
  copy.resize(*bytes);
  Require(IdsOf(copy) == Ids{id, id, ids->bytes_behind}, "the copy has the new id");
  Require(std::equal(message.end() - static_cast<std::ptrdiff_t>(ids->bytes_behind), message.end(),
                     copy.end() - static_cast<std::ptrdiff_t>(ids->bytes_behind)),
          "what stands behind the id is the same");
}

struct Answer {
  Status status;
  std::string value;
  bool operator==(const Answer&) const = default;
};

Answer Ask(thrift::ThriftRequest& request, const char* name) {
  const FieldValue field = request.Field(name);
  return {field.status, std::string(field.value)};
}

void CheckRequest(const Message& message) {
  thrift::ThriftRequest request(message);
  thrift::ThriftRequest backwards(message);
  // A copy of its own, so that a sanitizer sees the first byte past its end.
  const Message shorter(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(message.size() * 2 / 3));
  thrift::ThriftRequest cut(shorter);
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
  Require(!request.Kind() || *request.Kind() == MessageKind::kRequest || *request.Kind() == MessageKind::kOneway,
          "a request expects an answer or none");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > kMaxInput) {
    return 0;
  }
  const Message message(data, data + size);
  CheckPrefixes(message);
  const std::optional<Ids> ids = IdsOf(message);
  CheckRewritten(message, ids);
  CheckCopied(message, ids);
  CheckRequest(message);
  return 0;
}
