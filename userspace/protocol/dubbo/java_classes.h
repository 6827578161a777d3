// The classes that a Java object stream has described so far: what must be known of each to step over its instances.
//
// Bounded, and without allocation. One thread; the stream must outlive the table.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/byte_reader.h"

namespace rpctee::protocol::dubbo::java {

inline constexpr size_t kMaxClasses = 256;

// What a class description says of the data of its instances.
inline constexpr uint8_t kHasWriteMethod = 0x01;
inline constexpr uint8_t kIsSerializable = 0x02;
inline constexpr uint8_t kIsExternalizable = 0x04;
inline constexpr uint8_t kHasBlockData = 0x08;

// Bytes of a field or element of a primitive type; 0 for objects and arrays, -1 for what is no type.
int Width(char type);

class ClassTable {
 public:
  struct Known;

  struct Class {
    uint32_t handle;
    int32_t super;     // the class that it is derived from, or kNone; kUnfinished until it was read
    size_t name_at;    // 0: no name
    size_t fields_at;  // in the stream, or in what is known
    const Known* known;
    uint16_t fields;
    uint8_t flags;
  };
  static constexpr int32_t kNone = -1;
  static constexpr int32_t kUnfinished = -2;

  explicit ClassTable(Bytes stream) : stream_(stream) {}

  Class& operator[](int32_t index) { return classes_[static_cast<size_t>(index)]; }
  // Nothing when the table is full. Handles must come in rising order.
  std::optional<int32_t> Add();
  // Of a class that is described to its end; kNone when there is none.
  int32_t Find(uint32_t handle);
  std::string_view NameOf(int32_t index);
  // Looks up what the JDK documents of a class that has only a name.
  static void AddKnown(Class& named, std::string_view name);
  // The type of the field whose description stands at `at`, which moves to the next.
  char FieldType(const Class& described, size_t& at) const;

 private:
  Bytes stream_;
  size_t count_ = 0;
  // Only the first count_ entries have a value.
  std::array<Class, kMaxClasses> classes_;
};

}  // namespace rpctee::protocol::dubbo::java
