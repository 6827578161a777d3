#include "protocol/dubbo/json_body.h"

#include <charconv>

namespace rpctee::protocol::dubbo {
namespace {

constexpr std::string_view kNullLiteral = "null";
constexpr std::string_view kMemberOfMessage = "\"attachments\":{";

}  // namespace

std::optional<std::string_view> JsonBody::TakeValue(size_t& position) const {
  return has_lengths_ ? TakeMeasured(position) : TakeLine(position);
}

// Java's println ends a line as the machine does that it runs on.
std::optional<std::string_view> JsonBody::TakeLine(size_t& position) const {
  const size_t end = body_.find('\n', position);
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view line = body_.substr(position, end - position);
  position = end + 1;
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

std::optional<std::string_view> JsonBody::TakeMeasured(size_t& position) const {
  ByteReader reader(AsBytes(body_.substr(position)));
  const Bytes value = reader.Take(reader.Be32());
  if (reader.failed()) {
    return std::nullopt;
  }
  position += reader.position();
  return AsText(value);
}

// Nothing when the value is neither a string nor null.
std::optional<FieldValue> JsonBody::WholeString(std::string_view value) {
  json::Reader reader(value);
  if (reader.Peek() != '"') {
    return reader.Literal() == "null" && reader.AtEnd() ? std::optional(kAbsent) : std::nullopt;
  }
  const std::string_view quoted = reader.String();
  return reader.AtEnd() ? std::optional(StringValue(quoted)) : std::nullopt;
}

FieldValue JsonBody::StringValue(std::string_view quoted) {
  return json::IsPlainString(quoted) ? Present(quoted) : Own(json::DecodeString(quoted, OwnedBytesLeft()));
}

bool JsonBody::NextString(FieldValue& text) {
  const std::optional<std::string_view> value = TakeValue(position_);
  const std::optional<FieldValue> found = value ? WholeString(*value) : std::nullopt;
  text = found.value_or(text);
  return found.has_value();
}

bool JsonBody::NextCount(int64_t& count) {
  size_t behind = position_;
  const std::optional<std::string_view> value = TakeValue(behind);
  int32_t found = 0;
  if (!value ||
      std::from_chars(value->data(), value->data() + value->size(), found).ptr != value->data() + value->size() ||
      value->empty()) {
    return false;
  }
  position_ = behind;
  count = found;
  return true;
}

FieldValue JsonBody::FirstArgument() {
  size_t behind = position_;
  const std::optional<std::string_view> value = TakeValue(behind);
  return value ? WholeString(*value).value_or(kUndecodable) : kUndecodable;
}

bool JsonBody::DecodeAttachments(size_t arguments) {
  size_t position = position_;
  for (size_t i = 0; i < arguments; ++i) {
    if (!TakeValue(position)) {
      return false;
    }
  }
  const std::optional<std::string_view> value = TakeValue(position);
  if (!value) {
    return false;
  }
  const auto begin = static_cast<size_t>(value->data() - body_.data());
  json::Reader reader(body_.substr(0, begin + value->size()), begin);
  if (reader.Peek() != '{') {
    return DecodeNoAttachments(reader, begin);
  }
  AttachmentsPlace place = PlaceInValue(begin);
  if (layout_ == Layout::kBare) {
    if (!DecodeMembers(reader, place) || !reader.AtEnd()) {
      return false;
    }
  } else if (!DecodeMessage(reader, place)) {
    return false;
  }
  SetPlaceForMore(place);
  return true;
}

AttachmentsPlace JsonBody::PlaceInValue(size_t begin) const {
  AttachmentsPlace place{.style = AttachmentStyle::kJson, .keys_must_be_new = keys_must_be_new_};
  if (has_lengths_) {
    place.number = GrowingNumber{.at = begin - sizeof(uint32_t)};
  }
  return place;
}

bool JsonBody::DecodeNoAttachments(json::Reader& reader, size_t begin) {
  (void)reader.Peek();
  const size_t at = reader.position();
  if (reader.Literal() != kNullLiteral || !reader.AtEnd()) {
    return false;
  }
  if (layout_ == Layout::kBare) {
    AttachmentsPlace place = PlaceInValue(begin);
    place.at = at;
    place.replaced = kNullLiteral.size();
    place.before = "{";
    place.after = "}";
    SetPlaceForMore(place);
  }
  return true;
}

bool JsonBody::DecodeMessage(json::Reader& reader, AttachmentsPlace& place) {
  (void)reader.TakeIf('{');
  // A message without attachments has no members.
  if (reader.Peek() == '"') {
    if (reader.String() != "attachments" || !reader.TakeIf(':') || !DecodeMembers(reader, place)) {
      return false;
    }
  } else {
    place.at = reader.position();
    place.before = kMemberOfMessage;
    place.after = "}";
  }
  return reader.TakeIf('}') && reader.AtEnd();
}

// An object whose members are the attachments.
bool JsonBody::DecodeMembers(json::Reader& reader, AttachmentsPlace& place) {
  if (!reader.TakeIf('{')) {
    return false;
  }
  if (reader.TakeIf('}')) {
    place.at = reader.position() - 1;
    return true;
  }
  do {
    const std::string_view quoted = reader.String();
    if (reader.failed() || !reader.TakeIf(':') || !AddAttachment(StringValue(quoted), reader.position()) ||
        !reader.SkipValue()) {
      return false;
    }
  } while (reader.TakeIf(','));
  place.before = ",";
  const bool is_whole = reader.TakeIf('}');
  place.at = reader.position() - 1;
  return is_whole;
}

// The value was walked over before, so it is whole.
FieldValue JsonBody::DecodeValue(size_t at) {
  json::Reader reader(body_, at);
  switch (reader.Peek()) {
    case '"':
      return StringValue(reader.String());
    case '[':
    case '{':
      return kUndecodable;
    default: {
      const std::string_view literal = reader.Literal();
      return literal == "null" ? kAbsent : Present(literal);
    }
  }
}

}  // namespace rpctee::protocol::dubbo
