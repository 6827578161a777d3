#include "protocol/dubbo/decoded_body.h"

#include <algorithm>

#include "protocol/dubbo/descriptor.h"
#include "protocol/text_match.h"

namespace rpctee::protocol::dubbo {
namespace {

using Status = FieldValue::Status;

// The three arguments of a generic call: method, names of the parameter types, arguments.
constexpr size_t kGenericArguments = 3;

bool IsGeneric(std::string_view method) { return method == "$invoke" || method == "$invokeAsync"; }

}  // namespace

FieldValue DecodedBody::Prefix(PrefixString which) {
  DecodePrefix();
  return prefix_[which];
}

FieldValue DecodedBody::Method() {
  DecodePrefix();
  return real_method_;
}

void DecodedBody::DecodePrefix() {
  if (!prefix_done_) {
    prefix_done_ = true;
    prefix_.fill(kUndecodable);
    DecodeStrings();
    real_method_ = RealMethod();
  }
}

void DecodedBody::DecodeStrings() {
  for (size_t which = 0; which < kPrefixStrings; ++which) {
    int64_t count = 0;
    if (which == kDescriptor && NextCount(count) && count >= 0) {
      prefix_[kDescriptor] = kAbsent;
      argument_count_ = static_cast<size_t>(count);
      return;
    }
    if (!NextString(prefix_[which])) {
      return;
    }
  }
  // An absent descriptor can only stand for no arguments.
  if (prefix_[kDescriptor].status != Status::kUndecodable) {
    argument_count_ = CountArguments(prefix_[kDescriptor].value);
  }
}

FieldValue DecodedBody::RealMethod() {
  const FieldValue method = prefix_[kMethod];
  if (!IsGeneric(method.value) || (argument_count_ && *argument_count_ != kGenericArguments)) {
    return method;
  }
  return argument_count_ ? FirstArgument() : kUndecodable;
}

void DecodedBody::FindAttachments() {
  if (!attachments_done_) {
    attachments_done_ = true;
    DecodePrefix();
    attachments_ok_ = argument_count_ && DecodeAttachments(*argument_count_);
  }
}

const AttachmentsPlace* DecodedBody::PlaceForMore() {
  FindAttachments();
  // With them the body must stay one that can be read.
  const bool has_room = entries_.size() + Additions::kMaxEntries <= kMaxAttachments;
  return place_ && has_room ? &*place_ : nullptr;
}

FieldValue DecodedBody::Attachment(std::string_view name) {
  FindAttachments();
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

// Null when they are too many.
DecodedBody::Entry* DecodedBody::AddEntry(std::string_view key, size_t value_at) {
  if (entries_.size() == kMaxAttachments) {
    return nullptr;
  }
  if (entries_.empty()) {
    entries_.reserve(kInlineEntries);
  }
  return &entries_.emplace_back(key, value_at);
}

FieldValue DecodedBody::Text(Encoding encoding, std::string_view bytes) {
  return IsPlain(encoding, bytes) ? Present(bytes) : Own(ToUtf8(encoding, bytes, OwnedBytesLeft()));
}

FieldValue DecodedBody::Own(std::optional<std::string> text) {
  if (!text || text->size() > OwnedBytesLeft()) {
    return kUndecodable;
  }
  owned_bytes_ += text->size();
  owned_.push_front(std::move(*text));
  return Present(owned_.front());
}

}  // namespace rpctee::protocol::dubbo
