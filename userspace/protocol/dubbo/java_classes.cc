#include "protocol/dubbo/java_classes.h"

#include <algorithm>

#include "protocol/dubbo/java_input.h"

namespace rpctee::protocol::dubbo::java {

// Classes of the JDK whose serial form is fixed by its documentation: where a compacted stream names them, the fields
// are known. Of the fields only the types matter.
struct ClassTable::Known {
  std::string_view name;
  uint8_t flags;
  std::string_view field_types;
};

int Width(char type) {
  switch (type) {
    case 'B':
    case 'Z':
      return 1;
    case 'C':
    case 'S':
      return 2;
    case 'F':
    case 'I':
      return 4;
    case 'D':
    case 'J':
      return 8;
    case 'L':
    case '[':
      return 0;
    default:
      return -1;
  }
}

std::optional<int32_t> ClassTable::Add() {
  if (count_ == kMaxClasses) {
    return std::nullopt;
  }
  classes_[count_] = {
      .handle = 0, .super = kUnfinished, .name_at = 0, .fields_at = 0, .known = nullptr, .fields = 0, .flags = 0};
  return static_cast<int32_t>(count_++);
}

int32_t ClassTable::Find(uint32_t handle) {
  const auto end = classes_.begin() + static_cast<std::ptrdiff_t>(count_);
  const auto found = std::lower_bound(
      classes_.begin(), end, handle, [](const Class& described, uint32_t wanted) { return described.handle < wanted; });
  // Nothing can be an instance of, or derived from, a class whose description goes on.
  const bool is_there = found != end && found->handle == handle && found->super != kUnfinished;
  return is_there ? static_cast<int32_t>(found - classes_.begin()) : kNone;
}

std::string_view ClassTable::NameOf(int32_t index) {
  const size_t at = index == kNone ? 0 : (*this)[index].name_at;
  ByteReader reader(stream_.subspan(at));
  return at == 0 ? std::string_view() : AsText(reader.Take(reader.Be16()));
}

void ClassTable::AddKnown(Class& named, std::string_view name) {
  static constexpr Known kAll[] = {
      {"java.util.HashMap", kIsSerializable | kHasWriteMethod, "FI"},
      {"java.util.LinkedHashMap", kIsSerializable, "Z"},
      {"java.util.ArrayList", kIsSerializable | kHasWriteMethod, "I"},
      {"java.util.Date", kIsSerializable | kHasWriteMethod, ""},
      {"java.lang.Number", kIsSerializable, ""},
      {"java.lang.Byte", kIsSerializable, "B"},
      {"java.lang.Short", kIsSerializable, "S"},
      {"java.lang.Integer", kIsSerializable, "I"},
      {"java.lang.Long", kIsSerializable, "J"},
      {"java.lang.Float", kIsSerializable, "F"},
      {"java.lang.Double", kIsSerializable, "D"},
      {"java.lang.Boolean", kIsSerializable, "Z"},
      {"java.lang.Character", kIsSerializable, "C"},
  };
  const auto* const known =
      std::find_if(std::begin(kAll), std::end(kAll), [&](const Known& one) { return one.name == name; });
  if (known != std::end(kAll)) {
    named.known = known;
    named.fields = static_cast<uint16_t>(known->field_types.size());
    named.flags = known->flags;
  }
}

char ClassTable::FieldType(const Class& described, size_t& at) const {
  if (described.known != nullptr) {
    return described.known->field_types[at++];
  }
  ByteReader reader(stream_.subspan(at));
  const char type = static_cast<char>(reader.U8());
  reader.Skip(reader.Be16());
  if (Width(type) == 0) {
    reader.Skip(reader.U8() == kTagString ? reader.Be16() : sizeof(uint32_t));
  }
  at += reader.position();
  return type;
}

}  // namespace rpctee::protocol::dubbo::java
