#include "protocol/dubbo/hessian2_body.h"

#include <algorithm>

#include "protocol/dubbo/descriptor.h"
#include "protocol/dubbo/hessian2_text.h"
#include "protocol/text_match.h"

namespace rpctee::protocol::dubbo {
namespace {

using Status = FieldValue::Status;

constexpr FieldValue kUndecodable{Status::kUndecodable, {}};
constexpr FieldValue kAbsent{Status::kAbsent, {}};

// The three arguments of a generic call: method, names of the parameter types, arguments.
constexpr size_t kGenericArguments = 3;

bool IsGeneric(std::string_view method) { return method == "$invoke" || method == "$invokeAsync"; }

FieldValue Present(std::string_view value) { return {Status::kPresent, value}; }

}  // namespace

FieldValue Hessian2Body::Prefix(PrefixString which) {
  DecodePrefix();
  return prefix_[which];
}

FieldValue Hessian2Body::Method() {
  DecodePrefix();
  return real_method_;
}

void Hessian2Body::DecodePrefix() {
  if (prefix_done_) {
    return;
  }
  prefix_done_ = true;
  prefix_.fill(kUndecodable);
  real_method_ = kUndecodable;
  hessian2::Reader reader(body_);
  for (FieldValue& field : prefix_) {
    const hessian2::Text text = reader.String();
    if (reader.failed()) {
      break;
    }
    field = TextValue(text);
  }
  // An absent descriptor can only stand for no arguments. dubbox has an int in its place, and other arguments behind.
  if (prefix_[kDescriptor].status != Status::kUndecodable) {
    argument_count_ = CountArguments(prefix_[kDescriptor].value);
  }
  arguments_at_ = reader.position();
  DecodeRealMethod();
}

void Hessian2Body::DecodeRealMethod() {
  real_method_ = prefix_[kMethod];
  if (!IsGeneric(real_method_.value) || (argument_count_ && *argument_count_ != kGenericArguments)) {
    return;
  }
  real_method_ = kUndecodable;
  if (argument_count_) {
    hessian2::Reader reader(body_, arguments_at_);
    const hessian2::Text text = reader.String();
    real_method_ = reader.failed() ? kUndecodable : TextValue(text);
  }
}

FieldValue Hessian2Body::Attachment(std::string_view name) {
  if (!attachments_done_) {
    attachments_done_ = true;
    attachments_ok_ = DecodeAttachments();
  }
  if (!attachments_ok_) {
    return kUndecodable;
  }
  const auto entry = std::find_if(entries_.rbegin(), entries_.rend(),
                                  [&](const Entry& candidate) { return EqualsIgnoringCase(candidate.key, name); });
  if (entry == entries_.rend()) {
    return kAbsent;
  }
  if (!entry->value) {
    entry->value = DecodeValue(entry->value_at);
  }
  return *entry->value;
}

// False when the map, or something in front of it, can't be read.
bool Hessian2Body::DecodeAttachments() {
  DecodePrefix();
  if (!argument_count_) {
    return false;
  }
  hessian2::Reader reader(body_, arguments_at_);
  for (size_t i = 0; i < *argument_count_; ++i) {
    if (!reader.SkipValue()) {
      return false;
    }
  }
  if (reader.TakeIf(hessian2::kNull)) {
    return true;
  }
  if (reader.TakeIf(hessian2::kTypedMap)) {
    reader.SkipType();
  } else if (!reader.TakeIf(hessian2::kUntypedMap)) {
    return false;
  }
  entries_.reserve(kInlineEntries);
  while (!reader.TakeIf(hessian2::kEnd)) {
    if (!DecodeEntry(reader)) {
      return false;
    }
  }
  return true;
}

bool Hessian2Body::DecodeEntry(hessian2::Reader& reader) {
  const std::optional<uint8_t> tag = reader.Peek();
  if (!tag || entries_.size() == kMaxAttachments) {
    return false;
  }
  if (!hessian2::IsString(*tag)) {
    // No name that a rule could ask for.
    return reader.SkipValue() && reader.SkipValue();
  }
  const hessian2::Text text = reader.String();
  if (reader.failed()) {
    return false;
  }
  const FieldValue key = TextValue(text);
  if (key.status != Status::kPresent) {
    return false;
  }
  entries_.push_back({.key = key.value, .value_at = reader.position(), .value = std::nullopt});
  return reader.SkipValue();
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

FieldValue Hessian2Body::TextValue(const hessian2::Text& text) {
  switch (text.form) {
    case hessian2::Text::Form::kAbsent:
      return kAbsent;
    case hessian2::Text::Form::kPlain:
      return Present(text.plain);
    case hessian2::Text::Form::kEncoded:
      break;
  }
  return Own(hessian2::DecodeText(body_, text.at, kMaxOwnedBytes - owned_bytes_));
}

FieldValue Hessian2Body::Own(std::optional<std::string> text) {
  if (!text || text->size() > kMaxOwnedBytes - owned_bytes_) {
    return kUndecodable;
  }
  owned_bytes_ += text->size();
  owned_.push_front(std::move(*text));
  return Present(owned_.front());
}

}  // namespace rpctee::protocol::dubbo
