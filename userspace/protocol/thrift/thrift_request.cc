#include "protocol/thrift/thrift_request.h"

#include "protocol/text_match.h"
#include "protocol/thrift/varint.h"
#include "protocol/utf8.h"

namespace rpctee::protocol::thrift {
namespace {

using Status = FieldValue::Status;

constexpr FieldValue kUndecodable{Status::kUndecodable, {}};
constexpr FieldValue kAbsent{Status::kAbsent, {}};

constexpr char kServiceSeparator = ':';
constexpr uint32_t kInfoPadding = 0;
constexpr uint32_t kInfoPairs = 1;

FieldValue Text(std::string_view value) { return IsUtf8(value) ? FieldValue{Status::kPresent, value} : kUndecodable; }

std::string_view ReadInfoText(ByteReader& reader) {
  const auto bytes = ReadVarint32(reader);
  // No length: also when it was malformed, the reader must fail.
  return AsText(reader.Take(bytes ? *bytes : reader.remaining() + 1));
}

// Calls `take` for each pair in the info part of a THeader. False when the part can't be read to its end.
template <typename Take>
bool ForEachPair(Bytes info, Take take) {
  ByteReader reader(info);
  size_t pairs_left = ThriftRequest::kMaxInfoKeys;
  while (reader.remaining() > 0) {
    const auto kind = ReadVarint32(reader);
    if (kind == kInfoPadding) {
      return true;
    }
    const auto pairs = kind == kInfoPairs ? ReadVarint32(reader) : std::nullopt;
    if (!pairs || *pairs > pairs_left) {
      return false;
    }
    pairs_left -= *pairs;
    for (size_t i = 0; i < *pairs; ++i) {
      const std::string_view key = ReadInfoText(reader);
      const std::string_view value = ReadInfoText(reader);
      if (reader.failed()) {
        return false;
      }
      take(key, value);
    }
  }
  return true;
}

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
  const bool is_whole = ForEachPair(envelope_.transport.info, [&](std::string_view key, std::string_view value) {
    if (EqualsIgnoringCase(key, name)) {
      found = {Status::kPresent, value};
    }
  });
  if (!is_whole) {
    return kUndecodable;
  }
  return found.status == Status::kPresent ? Text(found.value) : found;
}

}  // namespace rpctee::protocol::thrift
