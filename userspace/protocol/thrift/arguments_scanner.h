// Finds where the arguments of a Thrift message end, from bytes that come in pieces of any size.
//
// One thread; one message. Walks the struct of the arguments to its end without recursion and without allocation: what
// it must remember of nested values is bounded, and whatever a count says, each step uses up bytes.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "protocol/thrift/message_header.h"
#include "protocol/thrift/piece_reader.h"
#include "protocol/thrift/scan_error.h"
#include "protocol/thrift/wire_shape.h"

namespace rpctee::protocol::thrift {

class ArgumentsScanner {
 public:
  // Apache Thrift reads 64 structs inside each other and no more, and passes over values that it does not know 64 deep.
  // Each struct may stand in a list, set or map.
  static constexpr size_t kMaxStructs = 64;
  static constexpr size_t kMaxContainers = 64;

  // Arguments of at most `max_bytes`.
  ArgumentsScanner(Encoding encoding, uint64_t max_bytes);

  // Takes the next bytes. Returns how many belong to the arguments: all of them, unless the arguments end in them, or
  // it becomes clear that these are none, or too long.
  size_t Feed(Bytes bytes);

  bool done() const { return step_ == Step::kDone; }
  bool failed() const { return step_ == Step::kFailed; }
  std::string_view error() const { return TextOf(error_); }  // once failed: why
  // How many bytes were taken.
  uint64_t bytes() const { return taken_; }

 private:
  enum class Step : uint8_t {
    kFieldType,
    kFieldId,
    kScalar,  // the rest of a value, or of a list of them, that has nothing inside
    kTextLength,
    kListHeader,
    kListSize,  // compact, where it does not fit the header
    kMapHeader,
    kMapTypes,  // compact, behind the size
    kDone,
    kFailed,
  };
  // Of the elements of a list, set or map: at which an even number is left (the keys of a map), or an odd number (its
  // values).
  struct Shapes {
    Shape even;
    Shape odd;
  };

  bool is_binary() const { return encoding_ == Encoding::kBinary; }
  uint64_t allowed() const { return max_bytes_ - taken_; }

  void Advance();
  void OnFieldType(uint8_t type);
  void OnTextLength(uint64_t bytes);
  void OnListHeader(uint64_t header);
  void OnMapHeader(uint64_t header);
  void OnMapTypes(uint8_t types);

  void BeginStruct();
  void BeginField();
  void BeginValue(Shape shape);
  void BeginElements(Shapes shapes, uint64_t count, uint64_t elements_each);
  void SkipScalar(uint64_t bytes);
  void EndStruct();
  void EndValue();
  void Fail(ScanError error);

  Encoding encoding_;
  Step step_ = Step::kFieldType;
  Shape shape_ = Shape::kUnknown;  // of the field or list whose beginning is being read
  // How many are open around the value that is being read: structs, and lists, sets and maps.
  uint8_t structs_ = 0;
  uint8_t containers_ = 0;
  bool in_struct_ = false;  // the innermost is one
  ScanError error_ = ScanError::kNone;
  uint32_t map_size_ = 0;
  uint64_t max_bytes_;
  uint64_t taken_ = 0;
  PieceReader piece_;

  // Whether each of those stands in a struct itself: a bit for each, the innermost's is the lowest.
  uint64_t structs_in_struct_ = 0;
  uint64_t containers_in_struct_ = 0;
  static_assert(kMaxStructs <= 64 && kMaxContainers <= 64);
  // Of the containers that are open, outermost first.
  std::array<uint32_t, kMaxContainers> elements_left_;
  std::array<uint8_t, kMaxContainers> shapes_;  // the even ones' in the upper half
};

}  // namespace rpctee::protocol::thrift
