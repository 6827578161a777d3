#include "protocol/thrift/arguments_scanner.h"

#include <algorithm>

namespace rpctee::protocol::thrift {
namespace {

constexpr uint64_t kMaxCount = INT32_MAX;
// In the upper half of a compact list's header: the size follows.
constexpr uint8_t kLongList = 15;

// In binary a list's header is a type and a size, a map's two types and a size.
constexpr size_t kSizeBits = 32;
constexpr size_t kListHeaderBytes = 5;
constexpr size_t kMapHeaderBytes = 6;
constexpr size_t kFieldIdBytes = 2;
constexpr size_t kLengthBytes = 4;

}  // namespace

ArgumentsScanner::ArgumentsScanner(Encoding encoding, uint64_t max_bytes) : encoding_(encoding), max_bytes_(max_bytes) {
  BeginStruct();
}

size_t ArgumentsScanner::Feed(Bytes bytes) {
  size_t used = 0;
  while (used < bytes.size() && !done() && !failed()) {
    if (allowed() == 0) {
      Fail(ScanError::kLongArguments);
      break;
    }
    const Bytes rest = bytes.subspan(used);
    const size_t taken = piece_.Take(rest.first(static_cast<size_t>(std::min<uint64_t>(rest.size(), allowed()))));
    used += taken;
    taken_ += taken;
    if (piece_.state() == PieceReader::State::kComplete) {
      Advance();
    } else if (piece_.state() == PieceReader::State::kTooLong) {
      Fail(ScanError::kLongNumber);
    }
  }
  return used;
}

// What was being read is there: decides what comes next.
void ArgumentsScanner::Advance() {
  const uint64_t value = piece_.value();
  switch (step_) {
    case Step::kFieldType:
      return OnFieldType(static_cast<uint8_t>(value));
    case Step::kFieldId:
      return BeginValue(shape_);
    case Step::kScalar:
      return EndValue();
    case Step::kTextLength:
      return OnTextLength(value);
    case Step::kListHeader:
      return OnListHeader(value);
    case Step::kListSize:
      return BeginElements({shape_, shape_}, value, 1);
    case Step::kMapHeader:
      return OnMapHeader(value);
    case Step::kMapTypes:
      return OnMapTypes(static_cast<uint8_t>(value));
    case Step::kDone:
    case Step::kFailed:
      return;
  }
}

void ArgumentsScanner::OnFieldType(uint8_t type) {
  if (IsStop(encoding_, type)) {
    return EndStruct();
  }
  shape_ = FieldShape(encoding_, type);
  step_ = Step::kFieldId;
  if (is_binary()) {
    piece_.Skip(kFieldIdBytes);
  } else if (CompactUpperHalf(type) == 0) {
    piece_.Varint64();
  } else {
    BeginValue(shape_);
  }
}

void ArgumentsScanner::OnTextLength(uint64_t bytes) {
  if (bytes > kMaxCount) {
    return Fail(ScanError::kNegative);
  }
  SkipScalar(bytes);
}

void ArgumentsScanner::OnListHeader(uint64_t header) {
  if (is_binary()) {
    const Shape shape = ElementShape(encoding_, static_cast<uint8_t>(header >> kSizeBits));
    return BeginElements({shape, shape}, header & UINT32_MAX, 1);
  }
  const auto byte = static_cast<uint8_t>(header);
  shape_ = ElementShape(encoding_, byte);
  if (CompactUpperHalf(byte) != kLongList) {
    return BeginElements({shape_, shape_}, CompactUpperHalf(byte), 1);
  }
  step_ = Step::kListSize;
  piece_.Varint32();
}

void ArgumentsScanner::OnMapHeader(uint64_t header) {
  if (is_binary()) {
    const Shapes shapes = {ElementShape(encoding_, static_cast<uint8_t>(header >> (kSizeBits + 8))),
                           ElementShape(encoding_, static_cast<uint8_t>(header >> kSizeBits))};
    return BeginElements(shapes, header & UINT32_MAX, 2);
  }
  // An empty map has no types.
  if (header == 0) {
    return EndValue();
  }
  map_size_ = static_cast<uint32_t>(header);
  step_ = Step::kMapTypes;
  piece_.Number(1);
}

void ArgumentsScanner::OnMapTypes(uint8_t types) {
  const Shapes shapes = {ElementShape(encoding_, CompactUpperHalf(types)), ElementShape(encoding_, types)};
  BeginElements(shapes, map_size_, 2);
}

void ArgumentsScanner::BeginStruct() {
  if (structs_ == kMaxStructs) {
    return Fail(ScanError::kTooDeep);
  }
  ++structs_;
  structs_in_struct_ = structs_in_struct_ << 1 | uint64_t{in_struct_};
  in_struct_ = true;
  BeginField();
}

void ArgumentsScanner::BeginField() {
  step_ = Step::kFieldType;
  piece_.Number(1);
}

void ArgumentsScanner::BeginValue(Shape shape) {
  switch (shape) {
    case Shape::kUnknown:
      return Fail(ScanError::kUnknownType);
    case Shape::kVarint:
      step_ = Step::kScalar;
      return piece_.Varint64();
    case Shape::kText:
      step_ = Step::kTextLength;
      return is_binary() ? piece_.Number(kLengthBytes) : piece_.Varint32();
    case Shape::kStruct:
      return BeginStruct();
    case Shape::kList:
      step_ = Step::kListHeader;
      return piece_.Number(is_binary() ? kListHeaderBytes : 1);
    case Shape::kMap:
      step_ = Step::kMapHeader;
      return is_binary() ? piece_.Number(kMapHeaderBytes) : piece_.Varint32();
    default:
      return SkipScalar(WidthOf(shape));
  }
}

// The elements of a list, or of a map, which has two for each that is counted.
void ArgumentsScanner::BeginElements(Shapes shapes, uint64_t count, uint64_t elements_each) {
  if (count > kMaxCount) {
    return Fail(ScanError::kNegative);
  }
  if (count == 0) {
    return EndValue();
  }
  if (shapes.even == Shape::kUnknown || shapes.odd == Shape::kUnknown) {
    return Fail(ScanError::kUnknownType);
  }
  const uint64_t elements = count * elements_each;
  if (HasFixedWidth(shapes.even) && HasFixedWidth(shapes.odd)) {
    return SkipScalar(elements * (WidthOf(shapes.even) + WidthOf(shapes.odd)) / 2);
  }
  // Each takes a byte at least.
  if (elements > allowed()) {
    return Fail(ScanError::kLongArguments);
  }
  if (containers_ == kMaxContainers) {
    return Fail(ScanError::kTooDeep);
  }
  containers_in_struct_ = containers_in_struct_ << 1 | uint64_t{in_struct_};
  in_struct_ = false;
  elements_left_[containers_] = static_cast<uint32_t>(elements);
  shapes_[containers_] =
      static_cast<uint8_t>(static_cast<unsigned>(shapes.even) << 4 | static_cast<unsigned>(shapes.odd));
  ++containers_;
  EndValue();
}

// What does not fit in what is allowed is refused before it comes.
void ArgumentsScanner::SkipScalar(uint64_t bytes) {
  if (bytes == 0) {
    return EndValue();
  }
  if (bytes > allowed()) {
    return Fail(ScanError::kLongArguments);
  }
  step_ = Step::kScalar;
  piece_.Skip(bytes);
}

void ArgumentsScanner::EndStruct() {
  if (--structs_ == 0) {
    step_ = Step::kDone;
    return;
  }
  in_struct_ = (structs_in_struct_ & 1) != 0;
  structs_in_struct_ >>= 1;
  EndValue();
}

// Goes on with what contains the value: the next field or element, or its own end. The struct of the arguments contains
// everything.
void ArgumentsScanner::EndValue() {
  while (!in_struct_) {
    uint32_t& left = elements_left_[containers_ - 1U];
    if (left > 0) {
      const uint8_t shapes = shapes_[containers_ - 1U];
      const auto next = static_cast<Shape>(left % 2 == 0 ? shapes >> 4 : shapes & 0x0f);
      --left;
      return BeginValue(next);
    }
    --containers_;
    in_struct_ = (containers_in_struct_ & 1) != 0;
    containers_in_struct_ >>= 1;
  }
  BeginField();
}

void ArgumentsScanner::Fail(ScanError error) {
  step_ = Step::kFailed;
  error_ = error;
}

}  // namespace rpctee::protocol::thrift
