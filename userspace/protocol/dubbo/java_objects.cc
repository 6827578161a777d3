#include "protocol/dubbo/java_objects.h"

namespace rpctee::protocol::dubbo::java {
namespace {

constexpr uint32_t kFirstHandle = 0x7e0000;

// In Dubbo's compacted streams, in front of a class description.
constexpr uint8_t kWholeDescription = 0;
constexpr uint8_t kNameAlone = 1;

constexpr std::string_view kHashMap = "java.util.HashMap";

}  // namespace

void ObjectReader::Push(Task::Kind kind, int32_t of_class, uint32_t left, size_t at) {
  if (open_ == kMaxOpen) {
    input_.Fail();
    return;
  }
  tasks_[open_++] = {.kind = kind, .of_class = of_class, .left = left, .at = at};
}

bool ObjectReader::SkipObject() {
  outer_class_ = ClassTable::kNone;
  Push(Task::Kind::kContent);
  return Run();
}

bool ObjectReader::Run() {
  while (open_ > 0 && !failed()) {
    if (++steps_ > kMaxSteps) {
      input_.Fail();
      break;
    }
    Step(tasks_[open_ - 1]);
  }
  return !failed();
}

// Tasks that are done in one go leave the stack before they push others.
void ObjectReader::Step(Task& task) {
  const Task copy = task;
  switch (task.kind) {
    case Task::Kind::kFields:
      return Fields(task);
    case Task::Kind::kAnnotation:
      return Annotation();
    case Task::Kind::kElements:
      if (task.left > 0) {
        --task.left;
        return Push(Task::Kind::kContent);
      }
      break;
    default:
      break;
  }
  --open_;
  switch (copy.kind) {
    case Task::Kind::kContent:
      return Content();
    case Task::Kind::kClass:
      return ClassDescription();
    case Task::Kind::kSuperClass:
      classes_[copy.of_class].super = last_class_;
      last_class_ = copy.of_class;
      return;
    case Task::Kind::kInstance:
      return Instance();
    case Task::Kind::kLevel:
      return Level(copy.of_class);
    case Task::Kind::kArray:
      return Array();
    case Task::Kind::kEnum:
      NewHandle();
      return Push(Task::Kind::kContent);  // the name of the constant
    case Task::Kind::kHandle:
      return NewHandle();
    default:
      return;
  }
}

void ObjectReader::Content() {
  const uint8_t tag = input_.Peek().value_or(kTagEndBlockData);
  if (tag == kTagClassDescription || tag == kTagProxyClassDescription) {
    return Push(Task::Kind::kClass);
  }
  (void)input_.U8();
  switch (tag) {
    case kTagNull:
      return;
    case kTagReference:
      if (input_.Be32() - kFirstHandle >= next_handle_) {
        input_.Fail();
      }
      return;
    case kTagString:
    case kTagLongString:
      return String(tag);
    case kTagObject:
      Push(Task::Kind::kInstance);
      break;
    case kTagArray:
      Push(Task::Kind::kArray);
      break;
    case kTagEnum:
      Push(Task::Kind::kEnum);
      break;
    case kTagClass:
      Push(Task::Kind::kHandle);
      break;
    default:
      input_.Fail();
  }
  Push(Task::Kind::kClass);
}

// Behind the type byte.
void ObjectReader::String(uint8_t tag) {
  while (!wanted_.empty() && wanted_.front().handle <= next_handle_) {
    wanted_.front().at = wanted_.front().handle == next_handle_ ? input_.position() - 1 : 0;
    wanted_ = wanted_.subspan(1);
  }
  NewHandle();
  input_.Skip(tag == kTagString ? input_.Be16() : input_.Be64());
}

void ObjectReader::ClassDescription() {
  switch (input_.U8()) {
    case kTagNull:
      last_class_ = ClassTable::kNone;
      return;
    case kTagReference:
      last_class_ = classes_.Find(input_.Be32() - kFirstHandle);
      if (last_class_ == ClassTable::kNone) {
        input_.Fail();
      }
      return;
    case kTagClassDescription:
      return PlainClass();
    case kTagProxyClassDescription:
      return ProxyClass();
    default:
      input_.Fail();
  }
}

// The description that begins goes on with an annotation and the class that it is derived from.
ClassTable::Class* ObjectReader::AddClass() {
  const std::optional<int32_t> index = classes_.Add();
  if (!index) {
    input_.Fail();
    return nullptr;
  }
  // Done in the order from the last to the first.
  Push(Task::Kind::kSuperClass, *index);
  Push(Task::Kind::kClass);
  Push(Task::Kind::kAnnotation);
  return &classes_[*index];
}

void ObjectReader::ProxyClass() {
  ClassTable::Class* const added = AddClass();
  if (added == nullptr) {
    return;
  }
  added->handle = next_handle_;
  NewHandle();
  added->flags = kIsSerializable;
  const uint32_t interfaces = input_.Be32();
  for (uint32_t i = 0; i < interfaces && !failed(); ++i) {
    input_.Skip(input_.Be16());
  }
}

void ObjectReader::PlainClass() {
  ClassTable::Class* const added = AddClass();
  if (added == nullptr) {
    return;
  }
  const uint8_t form = is_compacted_ ? input_.U8() : kWholeDescription;
  if (form > kNameAlone) {
    input_.Fail();
    return;
  }
  added->name_at = input_.position();
  input_.Skip(input_.Be16());
  if (form == kWholeDescription) {
    return Describe(*added);
  }
  added->handle = next_handle_;
  NewHandle();
  ByteReader name(stream_.subspan(added->name_at));
  ClassTable::AddKnown(*added, AsText(name.Take(name.Be16())));
}

// What stands between the name of a class and its annotation.
void ObjectReader::Describe(ClassTable::Class& added) {
  input_.Skip(8);  // serialVersionUID
  added.handle = next_handle_;
  NewHandle();
  added.flags = input_.U8();
  added.fields = input_.Be16();
  added.fields_at = input_.position();
  for (uint32_t i = 0; i < added.fields && !failed(); ++i) {
    const int width = Width(static_cast<char>(input_.U8()));
    input_.Skip(input_.Be16());
    if (width < 0) {
      input_.Fail();
    } else if (width == 0) {
      // The name of its class: a string, or a reference to one.
      const uint8_t tag = input_.U8();
      if (tag == kTagString) {
        String(tag);
      } else if (tag == kTagReference) {
        (void)input_.Be32();
      } else {
        input_.Fail();
      }
    }
  }
}

// The data of an instance begin with those of the class that all others are derived from.
void ObjectReader::Instance() {
  if (last_class_ == ClassTable::kNone) {
    input_.Fail();
    return;
  }
  NewHandle();
  if (open_ == 0) {
    outer_class_ = last_class_;
  }
  for (int32_t level = last_class_; level != ClassTable::kNone && !failed(); level = classes_[level].super) {
    Push(Task::Kind::kLevel, level);
  }
}

void ObjectReader::Level(int32_t of_class) {
  const ClassTable::Class& described = classes_[of_class];
  if ((described.flags & kIsSerializable) != 0) {
    if ((described.flags & kHasWriteMethod) != 0) {
      Push(Task::Kind::kAnnotation);
    }
    return Push(Task::Kind::kFields, of_class, described.fields, described.fields_at);
  }
  // Without block data nobody but the class itself knows where its data end.
  if ((described.flags & (kIsExternalizable | kHasBlockData)) != (kIsExternalizable | kHasBlockData)) {
    input_.Fail();
    return;
  }
  Push(Task::Kind::kAnnotation);
}

void ObjectReader::Fields(Task& task) {
  const ClassTable::Class& described = classes_[task.of_class];
  while (task.left > 0 && !failed()) {
    --task.left;
    const int width = Width(classes_.FieldType(described, task.at));
    if (width == 0) {
      return Push(Task::Kind::kContent);
    }
    input_.Skip(static_cast<uint64_t>(width));
    ++steps_;
  }
  --open_;
}

void ObjectReader::Annotation() {
  const uint8_t tag = input_.Peek().value_or(kTagEndBlockData);
  if (tag != kTagEndBlockData && tag != kTagBlockData && tag != kTagBlockDataLong) {
    return Push(Task::Kind::kContent);
  }
  (void)input_.U8();
  if (tag == kTagEndBlockData) {
    --open_;
  } else {
    input_.Skip(tag == kTagBlockData ? input_.U8() : input_.Be32());
  }
}

void ObjectReader::Array() {
  const std::string_view name = classes_.NameOf(last_class_);
  const int width = name.size() > 1 && name.front() == '[' ? Width(name[1]) : -1;
  NewHandle();
  const uint32_t elements = input_.Be32();
  if (width < 0) {
    input_.Fail();
  } else if (width > 0) {
    input_.Skip(uint64_t{elements} * static_cast<uint64_t>(width));
  } else {
    Push(Task::Kind::kElements, ClassTable::kNone, elements);
  }
}

std::optional<uint32_t> ObjectReader::BeginMap() {
  if (input_.U8() != kTagObject) {
    return std::nullopt;
  }
  Push(Task::Kind::kClass);
  if (!Run() || last_class_ == ClassTable::kNone) {
    return std::nullopt;
  }
  NewHandle();
  int32_t first = last_class_;
  while (classes_[first].super != ClassTable::kNone) {
    first = classes_[first].super;
  }
  const ClassTable::Class& described = classes_[first];
  if (classes_.NameOf(first) != kHashMap) {
    return std::nullopt;
  }
  Push(Task::Kind::kFields, first, described.fields, described.fields_at);
  if (!Run() || (described.flags & kHasWriteMethod) == 0) {
    return std::nullopt;
  }
  (void)input_.BlockBe32();  // how large the table was
  const size_t begin = input_.position();
  const uint32_t entries = input_.BlockBe32();
  entry_count_at_ = input_.position() - begin == sizeof(entries) ? begin : 0;
  return failed() ? std::nullopt : std::optional(entries);
}

Slot ObjectReader::NextSlot() {
  Slot slot{.kind = Slot::Kind::kOther, .handle = next_handle_, .at = input_.position(), .class_name = {}};
  switch (input_.Peek().value_or(kTagEndBlockData)) {
    case kTagNull:
      slot.kind = Slot::Kind::kNull;
      break;
    case kTagString:
    case kTagLongString:
      slot.kind = Slot::Kind::kString;
      break;
    case kTagReference: {
      Input ahead = input_;
      (void)ahead.U8();
      slot.kind = Slot::Kind::kReference;
      slot.handle = ahead.Be32() - kFirstHandle;
      break;
    }
    default:
      break;
  }
  if (SkipObject()) {
    slot.class_name = classes_.NameOf(outer_class_);
  }
  return slot;
}

}  // namespace rpctee::protocol::dubbo::java
