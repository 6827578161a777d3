#include "protocol/dubbo/fastjson2_body.h"

namespace rpctee::protocol::dubbo {
namespace {

constexpr std::string_view kObjectBegin = "\xa6";
constexpr std::string_view kObjectEnd = "\xa5";

}  // namespace

std::optional<Bytes> Fastjson2Body::TakeObject(size_t& position) const {
  ByteReader reader(body_.subspan(position));
  const Bytes object = reader.Take(reader.Be32());
  if (reader.failed()) {
    return std::nullopt;
  }
  position += reader.position();
  return object;
}

// Nothing when the object is neither a string nor null.
std::optional<FieldValue> Fastjson2Body::StringObject(Bytes object) {
  jsonb::Reader reader(object);
  if (reader.TakeIf(jsonb::kNull)) {
    return reader.AtEnd() ? std::optional(kAbsent) : std::nullopt;
  }
  const jsonb::Text text = reader.String();
  return reader.AtEnd() ? std::optional(TextValue(text)) : std::nullopt;
}

FieldValue Fastjson2Body::TextValue(const jsonb::Text& text) {
  return text.encoding ? Text(*text.encoding, text.bytes) : kUndecodable;
}

bool Fastjson2Body::NextString(FieldValue& text) {
  const std::optional<Bytes> object = TakeObject(position_);
  const std::optional<FieldValue> found = object ? StringObject(*object) : std::nullopt;
  text = found.value_or(text);
  return found.has_value();
}

FieldValue Fastjson2Body::FirstArgument() {
  size_t behind = position_;
  const std::optional<Bytes> object = TakeObject(behind);
  return object ? StringObject(*object).value_or(kUndecodable) : kUndecodable;
}

bool Fastjson2Body::DecodeAttachments(size_t arguments) {
  size_t position = position_;
  for (size_t i = 0; i < arguments; ++i) {
    if (!TakeObject(position)) {
      return false;
    }
  }
  AttachmentsPlace place{.style = AttachmentStyle::kJsonb, .number = GrowingNumber{.at = position}};
  const std::optional<Bytes> object = TakeObject(position);
  if (!object) {
    return false;
  }
  attachments_ = *object;
  jsonb::Reader reader(attachments_);
  if (reader.TakeIf(jsonb::kNull)) {
    place.at = position - 1;
    place.replaced = 1;
    place.before = kObjectBegin;
    place.after = kObjectEnd;
  } else if (DecodeMembers(reader)) {
    place.at = position - 1;
  }
  if (place.at == 0 || !reader.AtEnd()) {
    return false;
  }
  SetPlaceForMore(place);
  return true;
}

bool Fastjson2Body::DecodeMembers(jsonb::Reader& reader) {
  if (reader.TakeIf(jsonb::kTyped)) {
    reader.SkipType();
  }
  if (!reader.TakeIf(jsonb::kObject)) {
    return false;
  }
  while (!reader.TakeIf(jsonb::kObjectEnd)) {
    const jsonb::Text name = reader.Name();
    if (reader.failed() || !AddAttachment(TextValue(name), reader.position()) || !reader.SkipValue()) {
      return false;
    }
  }
  return true;
}

// The value was walked over before, so it is whole.
FieldValue Fastjson2Body::DecodeValue(size_t at) {
  jsonb::Reader reader(attachments_, at);
  const uint8_t tag = attachments_[at];
  switch (tag) {
    case jsonb::kNull:
      return kAbsent;
    case jsonb::kTrue:
      return Present("true");
    case jsonb::kFalse:
      return Present("false");
    default:
      break;
  }
  if (jsonb::IsString(tag)) {
    return TextValue(reader.String());
  }
  return jsonb::IsInteger(tag) ? Own(std::to_string(reader.Integer())) : kUndecodable;
}

}  // namespace rpctee::protocol::dubbo
