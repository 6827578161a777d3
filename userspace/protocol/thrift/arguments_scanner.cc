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

constexpr std::string_view kUnknownType = "a value has a type that Thrift does not have";
constexpr std::string_view kLongNumber = "a number has more bytes than it may have";
constexpr std::string_view kNegative = "a length or size is negative";
constexpr std::string_view kTooLong = "the arguments are longer than allowed";
constexpr std::string_view kTooDeep = "values are nested deeper than Thrift reads them";

}  // namespace

ArgumentsScanner::ArgumentsScanner(Encoding encoding, uint64_t max_bytes) : encoding_(encoding), max_bytes_(max_bytes) {
  BeginStruct();
}

size_t ArgumentsScanner::Feed(Bytes bytes) {
  size_t used = 0;
  while (used < bytes.size() && !done() && !failed()) {
    if (allowed() == 0) {
      Fail(kTooLong);
      break;
    }
    const Bytes rest = bytes.subspan(used);
    const size_t taken = piece_.Take(rest.first(static_cast<size_t>(std::min<uint64_t>(rest.size(), allowed()))));
    used += taken;
    taken_ += taken;
    if (piece_.state() == PieceReader::State::kComplete) {
      Advance();
    } else if (piece_.state() == PieceReader::State::kTooLong) {
      Fail(kLongNumber);
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
    return Fail(kNegative);
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
    return Fail(kTooDeep);
  }
  if (Push(kStructShapes, 0)) {
    ++structs_;
    BeginField();
  }
}

void ArgumentsScanner::BeginField() {
  step_ = Step::kFieldType;
  piece_.Number(1);
}

void ArgumentsScanner::BeginValue(Shape shape) {
  switch (shape) {
    case Shape::kUnknown:
      return Fail(kUnknownType);
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
    return Fail(kNegative);
  }
  if (count == 0) {
    return EndValue();
  }
  if (shapes.even == Shape::kUnknown || shapes.odd == Shape::kUnknown) {
    return Fail(kUnknownType);
  }
  const uint64_t elements = count * elements_each;
  if (HasFixedWidth(shapes.even) && HasFixedWidth(shapes.odd)) {
    return SkipScalar(elements * (WidthOf(shapes.even) + WidthOf(shapes.odd)) / 2);
  }
  // Each takes a byte at least.
  if (elements > allowed()) {
    return Fail(kTooLong);
  }
  if (Push(shapes, static_cast<uint32_t>(elements))) {
    EndValue();
  }
}

// What does not fit in what is allowed is refused before it comes.
void ArgumentsScanner::SkipScalar(uint64_t bytes) {
  if (bytes == 0) {
    return EndValue();
  }
  if (bytes > allowed()) {
    return Fail(kTooLong);
  }
  step_ = Step::kScalar;
  piece_.Skip(bytes);
}

bool ArgumentsScanner::Push(Shapes shapes, uint32_t elements) {
  if (depth_ == kMaxDepth) {
    Fail(kTooDeep);
    return false;
  }
  shapes_[depth_] = shapes;
  elements_left_[depth_] = elements;
  ++depth_;
  return true;
}

void ArgumentsScanner::EndStruct() {
  --structs_;
  --depth_;
  EndValue();
}

// Goes on with what contains the value: the next field or element, or its own end.
void ArgumentsScanner::EndValue() {
  while (depth_ > 0) {
    const Shapes shapes = shapes_[depth_ - 1];
    uint32_t& left = elements_left_[depth_ - 1];
    if (shapes.even == Shape::kNothing) {
      return BeginField();
    }
    if (left > 0) {
      const Shape next = left % 2 == 0 ? shapes.even : shapes.odd;
      --left;
      return BeginValue(next);
    }
    --depth_;
  }
  step_ = Step::kDone;
}

void ArgumentsScanner::Fail(std::string_view error) {
  step_ = Step::kFailed;
  error_ = error;
}

}  // namespace rpctee::protocol::thrift
