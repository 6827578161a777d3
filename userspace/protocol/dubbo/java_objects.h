// Steps over the objects of a Java object stream without building them, and reads a map of strings.
//
// Java Object Serialization Specification, chapters 4 and 6; class descriptions also as Dubbo's compacted form has
// them: a byte 0 in front of the usual ones, or a byte 1 and the name alone. No recursion; what is open, classes and
// steps are bounded. One thread; the bytes must outlive it.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "protocol/dubbo/java_classes.h"
#include "protocol/dubbo/java_input.h"

namespace rpctee::protocol::dubbo::java {

inline constexpr size_t kMaxOpen = 1024;  // what a walk still has to come back to; an object takes one to three
// Steps of one walk. Each costs about a byte of the stream; the bound is there for the time that a walk may take.
inline constexpr uint32_t kMaxSteps = 1U << 21;

// A string that was written before and is now only referred to.
struct Wanted {
  uint32_t handle;
  size_t at = 0;  // where its type byte stands, once it was found; 0 where no string has that handle
};

// One key or value of a map.
struct Slot {
  enum class Kind : uint8_t { kNull, kString, kReference, kOther };
  Kind kind = Kind::kNull;
  uint32_t handle = 0;          // kString and kReference
  size_t at = 0;                // where its type byte stands
  std::string_view class_name;  // kOther, of an object
};

class ObjectReader {
 public:
  ObjectReader(Bytes stream, const Input& input, bool is_compacted)
      : stream_(stream), input_(input), is_compacted_(is_compacted), classes_(stream) {}

  // Primitive data between the objects is read from it.
  Input& input() { return input_; }
  bool failed() const { return input_.failed(); }
  // The handle that the next new object gets.
  uint32_t next_handle() const { return next_handle_; }
  // Fills in `wanted`, sorted by handle, when a walk comes past these strings.
  void Find(std::span<Wanted> wanted) { wanted_ = wanted; }

  // Steps over one object, with all that it contains.
  bool SkipObject();
  // Comes to the first entry of a java.util.HashMap, or of a class derived from it. Nothing when it is something else.
  std::optional<uint32_t> BeginMap();
  // Where the number of its entries stands, in one piece; 0 where it doesn't.
  size_t entry_count_at() const { return entry_count_at_; }
  // The next key or value of a map, with all that it contains.
  Slot NextSlot();
  // True where the entries end.
  bool EndMap() { return input_.U8() == kTagEndBlockData && !failed(); }

 private:
  struct Task {
    enum class Kind : uint8_t {
      kContent,
      kClass,
      kSuperClass,
      kInstance,
      kLevel,
      kFields,
      kAnnotation,
      kArray,
      kElements,
      kEnum,
      kHandle,
    };
    Kind kind;
    int32_t of_class;
    uint32_t left;  // fields or elements still to come
    size_t at;      // where the description of the next field stands
  };

  void Push(Task::Kind kind, int32_t of_class = ClassTable::kNone, uint32_t left = 0, size_t at = 0);
  bool Run();
  void Step(Task& task);
  void Content();
  void String(uint8_t tag);
  void NewHandle() { ++next_handle_; }
  void ClassDescription();
  void PlainClass();
  void ProxyClass();
  ClassTable::Class* AddClass();
  void Describe(ClassTable::Class& added);
  void Instance();
  void Level(int32_t of_class);
  void Fields(Task& task);
  void Annotation();
  void Array();

  Bytes stream_;
  Input input_;
  bool is_compacted_;
  uint32_t next_handle_ = 0;
  size_t entry_count_at_ = 0;
  uint32_t steps_ = 0;
  std::span<Wanted> wanted_;

  int32_t last_class_ = ClassTable::kNone;   // the one that was described last
  int32_t outer_class_ = ClassTable::kNone;  // that of the object that SkipObject was called for
  ClassTable classes_;
  size_t open_ = 0;
  // Only the first open_ entries have a value.
  std::array<Task, kMaxOpen> tasks_;
};

}  // namespace rpctee::protocol::dubbo::java
