#include "protocol/dubbo/java_body.h"

#include <algorithm>
#include <vector>

namespace rpctee::protocol::dubbo {
namespace {

using Kind = java::Slot::Kind;

constexpr uint32_t kMinusOne = 0xffffffff;  // instead of the length of a string: null

// Attachments whose names and values are looked at without asking the heap.
constexpr size_t kInlineMembers = 32;

// The numbers of the JDK end in their value, and have nothing behind it.
struct NumberClass {
  std::string_view name;
  int width;
};
constexpr NumberClass kNumberClasses[] = {
    {"java.lang.Byte", 1}, {"java.lang.Short", 2}, {"java.lang.Integer", 4}, {"java.lang.Long", 8}};
constexpr std::string_view kBoolean = "java.lang.Boolean";

}  // namespace

bool JavaBody::NextString(FieldValue& text) {
  if (form_ != Form::kNative && input_.BlockBe32() == kMinusOne) {
    text = input_.failed() ? text : kAbsent;
    return !input_.failed();
  }
  std::string joined;
  const std::string_view bytes = input_.BlockBytes(input_.BlockBe16(), joined);
  if (input_.failed()) {
    return false;
  }
  text = joined.empty() ? Text(Encoding::kModifiedUtf8, bytes)
                        : Own(ToUtf8(Encoding::kModifiedUtf8, joined, OwnedBytesLeft()));
  return true;
}

// No descriptor is null, so this is dubbox.
bool JavaBody::NextCount(int64_t& count) {
  java::Input ahead = input_;
  if (form_ == Form::kNative || ahead.BlockBe32() != kMinusOne) {
    return false;
  }
  input_ = ahead;
  count = -1;
  return true;
}

bool JavaBody::BeginObject(java::Input& input) const {
  if (form_ == Form::kNative) {
    return true;
  }
  const uint8_t mark = input.BlockU8();
  if (mark > 1) {
    input.Fail();
  }
  return mark == 1;
}

FieldValue JavaBody::FirstArgument() {
  java::Input input = input_;
  if (!BeginObject(input)) {
    return kUndecodable;
  }
  const size_t at = input.position();
  return input.Peek() == java::kTagString ? TextAt(at) : kUndecodable;
}

bool JavaBody::SkipArguments(java::ObjectReader& objects, size_t arguments) const {
  for (size_t i = 0; i < arguments && !objects.failed(); ++i) {
    if (BeginObject(objects.input())) {
      (void)objects.SkipObject();
    }
  }
  return !objects.failed();
}

bool JavaBody::DecodeAttachments(size_t arguments) {
  java::ObjectReader objects(body_, input_, form_ == Form::kCompacted);
  if (!SkipArguments(objects, arguments)) {
    return false;
  }
  if (!BeginObject(objects.input()) || objects.input().Peek() == java::kTagNull) {
    return !objects.failed();
  }
  std::array<std::byte, kInlineMembers * sizeof(Member)> storage;
  std::pmr::monotonic_buffer_resource memory(storage.data(), storage.size());
  std::pmr::vector<Member> members(&memory);
  members.reserve(kInlineMembers);
  const uint32_t first_of_map = objects.next_handle();
  if (!ReadMembers(objects, members)) {
    return false;
  }
  FindReferences(members, arguments, first_of_map);
  for (const Member& member : members) {
    const java::Slot& value = member.value;
    std::optional<FieldValue> known;
    if (value.kind == Kind::kNull) {
      known = kAbsent;
    } else if (value.kind != Kind::kString) {
      known = NumberBefore(value.class_name, member.value_end);
    }
    if (member.name.kind != Kind::kString || !AddAttachment(TextAt(member.name.at), value.at, known)) {
      return false;
    }
  }
  NotePlace(objects);
  return true;
}

bool JavaBody::ReadMembers(java::ObjectReader& objects, std::pmr::vector<Member>& members) {
  const std::optional<uint32_t> count = objects.BeginMap();
  if (!count || *count > kMaxAttachments) {
    return false;
  }
  for (uint32_t i = 0; i < *count; ++i) {
    const java::Slot name = objects.NextSlot();
    const java::Slot value = objects.NextSlot();
    members.push_back({.name = name, .value = value, .value_end = objects.input().position()});
    if (objects.failed()) {
      return false;
    }
  }
  return objects.EndMap();
}

// New strings take handles, so they can stand only where nothing behind them has one: of what is derived from HashMap,
// LinkedHashMap ends in one byte.
void JavaBody::NotePlace(java::ObjectReader& objects) {
  const size_t behind = objects.input().position();
  if (objects.entry_count_at() == 0 || body_.size() - behind > 1) {
    return;
  }
  SetPlaceForMore({.style = AttachmentStyle::kJava,
                   .at = behind - 1,
                   .number = GrowingNumber{.at = objects.entry_count_at(), .counts = GrowingNumber::Counts::kEntries}});
}

// Makes strings of the references to strings; other references stay what they are.
void JavaBody::FindReferences(std::pmr::vector<Member>& members, size_t arguments, uint32_t first_of_map) const {
  std::array<std::byte, 2 * kInlineMembers * sizeof(java::Wanted)> storage;
  std::pmr::monotonic_buffer_resource memory(storage.data(), storage.size());
  std::pmr::vector<java::Wanted> wanted(&memory);
  wanted.reserve(2 * kInlineMembers);
  for (const Member& member : members) {
    for (const java::Slot* slot : {&member.name, &member.value}) {
      if (slot->kind == Kind::kReference) {
        wanted.push_back({.handle = slot->handle});
      }
    }
  }
  const auto by_handle = [](const java::Wanted& one, const java::Wanted& other) { return one.handle < other.handle; };
  std::sort(wanted.begin(), wanted.end(), by_handle);
  const auto same = [](const java::Wanted& one, const java::Wanted& other) { return one.handle == other.handle; };
  wanted.erase(std::unique(wanted.begin(), wanted.end(), same), wanted.end());
  if (wanted.empty()) {
    return;
  }
  if (wanted.front().handle < first_of_map) {
    java::ObjectReader again(body_, input_, form_ == Form::kCompacted);
    again.Find(wanted);
    (void)SkipArguments(again, arguments);
  }
  const auto find = [&](uint32_t handle) {
    const auto found = std::lower_bound(wanted.begin(), wanted.end(), java::Wanted{.handle = handle}, by_handle);
    return found != wanted.end() && found->handle == handle ? &*found : nullptr;
  };
  for (Member& member : members) {
    for (java::Slot* slot : {&member.name, &member.value}) {
      java::Wanted* const one = find(slot->handle);
      if (one == nullptr) {
        continue;
      }
      if (slot->kind == Kind::kString) {
        one->at = slot->at;
      } else if (slot->kind == Kind::kReference && one->at != 0) {
        slot->kind = Kind::kString;
        slot->at = one->at;
      }
    }
  }
}

// A string whose type byte stands at `at`.
FieldValue JavaBody::TextAt(size_t at) {
  ByteReader reader(body_.subspan(at));
  const bool is_long = reader.U8() == java::kTagLongString;
  const uint64_t bytes = is_long ? reader.Be64() : reader.Be16();
  const std::string_view text = AsText(reader.Take(static_cast<size_t>(bytes)));
  return reader.failed() ? kUndecodable : Text(Encoding::kModifiedUtf8, text);
}

FieldValue JavaBody::DecodeValue(size_t at) { return TextAt(at); }

FieldValue JavaBody::NumberBefore(std::string_view class_name, size_t end) {
  if (class_name == kBoolean) {
    return Present(body_[end - 1] != 0 ? "true" : "false");
  }
  const auto* const known = std::find_if(std::begin(kNumberClasses), std::end(kNumberClasses),
                                         [&](const NumberClass& one) { return one.name == class_name; });
  if (known == std::end(kNumberClasses)) {
    return kUndecodable;
  }
  uint64_t value = 0;
  for (size_t i = end - static_cast<size_t>(known->width); i < end; ++i) {
    value = value << 8 | body_[i];
  }
  const int unused = 64 - 8 * known->width;
  return Own(std::to_string(static_cast<int64_t>(value << unused) >> unused));
}

}  // namespace rpctee::protocol::dubbo
