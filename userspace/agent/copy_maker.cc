#include "agent/copy_maker.h"

#include <algorithm>
#include <cstring>

namespace rpctee::agent {
namespace {

using Status = protocol::FieldValue::Status;

// As text, or as kryo writes it: with the highest bit set in the last byte.
bool ContainsName(Bytes bytes, std::string_view name) {
  const std::string_view begin = name.substr(0, name.size() - 1);
  const auto last = static_cast<uint8_t>(name.back());
  while (true) {
    const void* const found = ::memmem(bytes.data(), bytes.size(), begin.data(), begin.size());
    if (found == nullptr) {
      return false;
    }
    bytes = bytes.subspan(static_cast<size_t>(static_cast<const uint8_t*>(found) - bytes.data()));
    if (bytes.size() > begin.size() && (bytes[begin.size()] == last || bytes[begin.size()] == (last | 0x80))) {
      return true;
    }
    bytes = bytes.subspan(1);
  }
}

}  // namespace

bool CarriesMark(const route::Mark& mark, Bytes frame, protocol::Request& request) {
  if (mark.attachment.empty()) {
    return false;
  }
  switch (request.fields().Field(mark.attachment).status) {
    case Status::kPresent:
      return true;
    case Status::kAbsent:
      return false;
    case Status::kUndecodable:
      break;
  }
  return ContainsName(frame.last(std::min(frame.size(), kMarkBytes)), mark.attachment);
}

std::optional<CopyOutcome> CopyMaker::Make(const route::Rule& rule, const route::Mark& mark, const stream::Frame& frame,
                                           protocol::Request& request) {
  if (!rule.methods.Allows(request.fields())) {
    return CopyOutcome::method_denied;
  }
  edit_.Begin(frame.protocol, frame.bytes, request);
  is_complete_ = edit_.Append(rule.additions);
  if (!is_complete_ && mark.required) {
    return CopyOutcome::unmarkable;
  }
  if (rule.policy.dry_run) {
    return CopyOutcome::rule_dry_run;
  }
  const bool made_oneway = rule.policy.oneway && edit_.MakeOneway();
  is_oneway_ = made_oneway || request.Kind() == protocol::MessageKind::kOneway;
  return std::nullopt;
}

}  // namespace rpctee::agent
