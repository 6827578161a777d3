#include "protocol/dubbo/hessian2_body.h"

#include "protocol/dubbo/hessian2_text.h"

namespace rpctee::protocol::dubbo {
namespace {

// A map of its own, for a body that has none.
constexpr std::string_view kMapBegin = "H";
constexpr std::string_view kMapEnd = "Z";

}  // namespace

// Member by member, in place: gcc 12 puts a whole one together in memory first, and the processor waits for it.
inline void Hessian2Body::SetText(hessian2::Text text, FieldValue& value) {
  switch (text.form) {
    case hessian2::Text::Form::kAbsent:
      value.status = FieldValue::Status::kAbsent;
      value.value = {};
      break;
    case hessian2::Text::Form::kPlain:
      value.status = FieldValue::Status::kPresent;
      value.value = AsText(body_.subspan(text.at, text.bytes));
      break;
    case hessian2::Text::Form::kEncoded:
      value = Own(hessian2::DecodeText(body_, text.at, OwnedBytesLeft()));
      break;
  }
}

FieldValue Hessian2Body::TextValue(hessian2::Text text) {
  FieldValue value;
  SetText(text, value);
  return value;
}

bool Hessian2Body::NextString(FieldValue& text) {
  hessian2::Reader reader(body_, position_);
  const hessian2::Text found = reader.String();
  if (reader.failed()) {
    return false;
  }
  position_ = reader.position();
  SetText(found, text);
  return true;
}

bool Hessian2Body::NextCount(int64_t& count) {
  hessian2::Reader reader(body_, position_);
  if (hessian2::IntWidth(reader.Peek().value_or(hessian2::kNull)) < 0) {
    return false;
  }
  const int64_t found = reader.Integer();
  if (reader.failed()) {
    return false;
  }
  position_ = reader.position();
  count = found;
  return true;
}

FieldValue Hessian2Body::FirstArgument() {
  hessian2::Reader reader(body_, position_);
  const hessian2::Text text = reader.String();
  return reader.failed() ? kUndecodable : TextValue(text);
}

bool Hessian2Body::DecodeAttachments(size_t arguments) {
  hessian2::Reader reader(body_, position_);
  for (size_t i = 0; i < arguments; ++i) {
    if (!reader.SkipValue()) {
      return false;
    }
  }
  const size_t at = reader.position();
  if (at == body_.size()) {
    SetPlaceForMore({.at = at, .before = kMapBegin, .after = kMapEnd});
    return false;
  }
  if (reader.TakeIf(hessian2::kNull)) {
    SetPlaceForMore({.at = at, .replaced = 1, .before = kMapBegin, .after = kMapEnd});
    return true;
  }
  if (reader.TakeIf(hessian2::kTypedMap)) {
    reader.SkipType();
  } else if (!reader.TakeIf(hessian2::kUntypedMap)) {
    return false;
  }
  while (!reader.TakeIf(hessian2::kEnd)) {
    if (!DecodeEntry(reader)) {
      return false;
    }
  }
  SetPlaceForMore({.at = reader.position() - 1});
  return true;
}

bool Hessian2Body::DecodeEntry(hessian2::Reader& reader) {
  const std::optional<uint8_t> tag = reader.Peek();
  if (!tag) {
    return false;
  }
  if (!hessian2::IsString(*tag)) {
    // No name that a rule could ask for.
    return reader.SkipValue() && reader.SkipValue();
  }
  FieldValue key;
  SetText(reader.String(), key);
  return !reader.failed() && AddAttachment(key, reader.position()) && reader.SkipValue();
}

// The value was walked over before, so it is whole.
FieldValue Hessian2Body::DecodeValue(size_t at) {
  const uint8_t tag = body_[at];
  hessian2::Reader reader(body_, at);
  switch (tag) {
    case hessian2::kNull:
      return kAbsent;
    case hessian2::kTrue:
      return Present("true");
    case hessian2::kFalse:
      return Present("false");
    default:
      break;
  }
  if (hessian2::IsString(tag)) {
    return TextValue(reader.String());
  }
  return hessian2::IsInteger(tag) ? Own(std::to_string(reader.Integer())) : kUndecodable;
}

}  // namespace rpctee::protocol::dubbo
