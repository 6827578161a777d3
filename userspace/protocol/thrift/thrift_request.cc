#include "protocol/thrift/thrift_request.h"

#include "protocol/text_match.h"
#include "protocol/thrift/info_pairs.h"
#include "protocol/utf8.h"

namespace rpctee::protocol::thrift {
namespace {

using Status = FieldValue::Status;

constexpr FieldValue kUndecodable{Status::kUndecodable, {}};
constexpr FieldValue kAbsent{Status::kAbsent, {}};

constexpr char kServiceSeparator = ':';

FieldValue Text(std::string_view value) { return IsUtf8(value) ? FieldValue{Status::kPresent, value} : kUndecodable; }

bool IsRequest(MessageType type) { return type == MessageType::kCall || type == MessageType::kOneway; }

}  // namespace

ThriftRequest::ThriftRequest(Bytes message) : message_(message), envelope_(OpenEnvelope(message)) {}

ThriftRequest::View ThriftRequest::Look() {
  if (view_ != View::kUnknown) {
    return view_;
  }
  const bool is_packed = IsPacked(envelope_);
  Unpack(envelope_, message_, unpacked_);
  const bool is_readable = envelope_.status == FrameStatus::kFrame && !envelope_.is_hidden;
  if (is_readable && IsRequest(envelope_.message.type)) {
    view_ = View::kMessage;
  } else if (envelope_.status == FrameStatus::kFrame && envelope_.is_hidden && !is_packed) {
    view_ = View::kKeysOnly;
  } else {
    view_ = View::kNothing;
  }
  return view_;
}

FieldValue ThriftRequest::Interface() {
  if (Look() != View::kMessage) {
    return kUndecodable;
  }
  const std::string_view name = envelope_.message.name;
  const size_t colon = name.find(kServiceSeparator);
  return colon == std::string_view::npos ? kAbsent : Text(name.substr(0, colon));
}

FieldValue ThriftRequest::Method() {
  if (Look() != View::kMessage) {
    return kUndecodable;
  }
  const std::string_view name = envelope_.message.name;
  // Without a colon: npos + 1 is the beginning.
  return Text(name.substr(name.find(kServiceSeparator) + 1));
}

std::optional<MessageKind> ThriftRequest::Kind() {
  return Look() == View::kMessage ? std::optional(KindOf(envelope_.message.type)) : std::nullopt;
}

FieldValue ThriftRequest::Field(std::string_view name) {
  if (EqualsIgnoringCase(name, "interface")) {
    return Interface();
  }
  if (EqualsIgnoringCase(name, "method")) {
    return Method();
  }
  if (Look() == View::kNothing) {
    return kUndecodable;
  }
  return envelope_.wrapping == Wrapping::kHeader ? Key(name) : kAbsent;
}

FieldValue ThriftRequest::Key(std::string_view name) const {
  FieldValue found = kAbsent;
  const auto end = ForEachPair(envelope_.transport.info, [&](std::string_view key, std::string_view value) {
    if (EqualsIgnoringCase(key, name)) {
      found = {Status::kPresent, value};
    }
  });
  if (!end) {
    return kUndecodable;
  }
  return found.status == Status::kPresent ? Text(found.value) : found;
}

}  // namespace rpctee::protocol::thrift
