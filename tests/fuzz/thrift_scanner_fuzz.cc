// Any bytes as a Thrift message without a frame: however the bytes are cut, the scanner comes to the same end, and it
// is the end that a plain recursive reader finds.
#include <algorithm>
#include <optional>
#include <vector>

#include "fuzz/fuzz_check.h"
#include "protocol/thrift/message_scanner.h"

namespace {

using rpctee::ByteReader;
using rpctee::Bytes;
using rpctee::fuzz::Require;
namespace thrift = rpctee::protocol::thrift;
using rpctee::protocol::FrameStatus;

constexpr uint64_t kMaxMessage = uint64_t{1} << 30;

// Reads as Apache Thrift's libraries skip a value: call by call, element by element. Fails at what they can't read and
// where values are nested too deep; the reader then stands anywhere.
class Skipper {
 public:
  Skipper(ByteReader& reader, bool is_compact) : reader_(reader), is_compact_(is_compact) {}

  bool Struct() {
    if (++structs_ > thrift::ArgumentsScanner::kMaxStructs) {
      return false;
    }
    while (true) {
      const uint8_t type = reader_.U8();
      if (reader_.failed()) {
        return false;
      }
      if ((is_compact_ ? type & 0x0f : type) == 0) {
        --structs_;
        return true;
      }
      if (!FieldId(type) || !(IsBoolField(type) || Value(is_compact_ ? type & 0x0f : type))) {
        return false;
      }
    }
  }

 private:
  bool IsBoolField(uint8_t type) const { return is_compact_ && ((type & 0x0f) == 1 || (type & 0x0f) == 2); }
  bool FieldId(uint8_t type) {
    if (!is_compact_) {
      reader_.Skip(2);
    } else if (type >> 4 == 0) {
      return Varint(10).has_value();
    }
    return !reader_.failed();
  }
  std::optional<uint64_t> Varint(int max_bytes) {
    uint64_t value = 0;
    for (int i = 0; i < max_bytes; ++i) {
      const uint8_t byte = reader_.U8();
      value |= i < 9 ? uint64_t{byte & 0x7fU} << (7 * i) : 0;
      if (reader_.failed() || (byte & 0x80) == 0) {
        return reader_.failed() || (max_bytes == 5 && value > UINT32_MAX) ? std::nullopt : std::optional(value);
      }
    }
    return std::nullopt;
  }
  bool Fixed(size_t bytes) {
    reader_.Skip(bytes);
    return !reader_.failed();
  }
  std::optional<uint64_t> Count() {
    const auto count = is_compact_ ? Varint(5) : std::optional<uint64_t>(reader_.Be32());
    return !reader_.failed() && count && *count <= INT32_MAX ? count : std::nullopt;
  }
  bool Text() {
    const auto bytes = Count();
    return bytes && Fixed(static_cast<size_t>(*bytes));
  }
  bool Elements(int key, int value, uint64_t count, bool is_map) {
    // The types of no elements do not matter, and values with nothing inside take no place among those that are open.
    const bool is_flat = count == 0 || (IsFlat(key) && (!is_map || IsFlat(value)));
    if (!is_flat && ++containers_ > thrift::ArgumentsScanner::kMaxContainers) {
      return false;
    }
    for (uint64_t i = 0; i < count; ++i) {
      if (!Value(key) || (is_map && !Value(value))) {
        return false;
      }
    }
    containers_ -= is_flat ? 0 : 1;
    return true;
  }
  bool IsFlat(int type) const { return is_compact_ ? type <= 3 || type == 7 || type == 13 : type <= 10 || type == 16; }
  bool List() {
    const uint8_t head = reader_.U8();
    const auto count = is_compact_ && head >> 4 != 15 ? std::optional<uint64_t>(head >> 4) : Count();
    return !reader_.failed() && count && Elements(is_compact_ ? head & 0x0f : head, 0, *count, false);
  }
  bool Map() {
    if (is_compact_) {
      const auto count = Varint(5);
      const uint8_t types = count && *count > 0 ? reader_.U8() : uint8_t{0};
      return !reader_.failed() && count && *count <= INT32_MAX && Elements(types >> 4, types & 0x0f, *count, true);
    }
    const uint8_t key = reader_.U8();
    const uint8_t value = reader_.U8();
    const auto count = Count();
    return count && Elements(key, value, *count, true);
  }
  bool Value(int type) { return is_compact_ ? CompactValue(type) : BinaryValue(type); }
  bool BinaryValue(int type) {
    switch (type) {
      case 2:
      case 3:
        return Fixed(1);
      case 4:
      case 10:
        return Fixed(8);
      case 6:
        return Fixed(2);
      case 8:
        return Fixed(4);
      case 11:
        return Text();
      case 12:
        return Struct();
      case 13:
        return Map();
      case 14:
      case 15:
        return List();
      case 16:
        return Fixed(16);
      default:
        return false;
    }
  }
  bool CompactValue(int type) {
    switch (type) {
      case 1:
      case 2:
      case 3:
        return Fixed(1);
      case 4:
      case 5:
      case 6:
        return Varint(10).has_value();
      case 7:
        return Fixed(8);
      case 8:
        return Text();
      case 9:
      case 10:
        return List();
      case 11:
        return Map();
      case 12:
        return Struct();
      case 13:
        return Fixed(16);
      default:
        return false;
    }
  }

  ByteReader& reader_;
  bool is_compact_;
  size_t structs_ = 0;
  size_t containers_ = 0;
};

// Where the message ends; nothing when it does not end in these bytes, or is none.
std::optional<size_t> EndOf(Bytes input) {
  const thrift::MessageHeader header = thrift::ParseMessageHeader(input, kMaxMessage);
  if (header.status != FrameStatus::kFrame || (input[0] != 0x80 && input[0] != 0x82)) {
    return std::nullopt;
  }
  ByteReader reader(input);
  reader.Skip(header.header_bytes);
  return Skipper(reader, input[0] == 0x82).Struct() ? std::optional(reader.position()) : std::nullopt;
}

struct Outcome {
  bool done;
  bool failed;
  uint64_t bytes;
  size_t used;
  bool operator==(const Outcome&) const = default;
};

Outcome Scan(Bytes input, size_t piece_bytes, uint64_t max_bytes) {
  thrift::MessageScanner scanner(max_bytes);
  size_t used = 0;
  for (size_t at = 0; at < input.size(); at += piece_bytes) {
    // A copy of its own, so that a sanitizer sees the first byte past its end.
    const Bytes piece = input.subspan(at, std::min(piece_bytes, input.size() - at));
    const std::vector<uint8_t> copy(piece.begin(), piece.end());
    const size_t taken = scanner.Feed(copy);
    Require(taken <= copy.size(), "no more is used than was given");
    Require(taken == copy.size() || scanner.done() || scanner.failed(), "all is used until the end");
    used += taken;
  }
  Require(!scanner.done() || !scanner.failed(), "done or failed");
  Require(scanner.failed() == !scanner.error().empty(), "what failed has an error");
  Require(scanner.message_bytes() == used && used <= max_bytes, "what was used belongs to the message");
  return {scanner.done(), scanner.failed(), scanner.message_bytes(), used};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) {
    return 0;
  }
  // The first byte says how the rest is cut, the second how long the message may be.
  const size_t piece_bytes = size_t{data[0]} + 1;
  const uint64_t limit = data[1];
  const Bytes input(data + 2, size - 2);

  const Outcome whole = Scan(input, input.size() + 1, kMaxMessage);
  Require(Scan(input, 1, kMaxMessage) == whole, "byte by byte is as good as at once");
  Require(Scan(input, piece_bytes, kMaxMessage) == whole, "cut anywhere is as good as at once");
  const auto end = EndOf(input);
  Require(whole.done == end.has_value() && (!end || whole.bytes == *end), "the message ends where a reader finds it");

  const Outcome limited = Scan(input, piece_bytes, limit);
  Require(limited == Scan(input, 1, limit), "a limit is met at the same byte");
  Require(limited.done == (whole.done && whole.bytes <= limit), "a message is taken up to the limit");
  return 0;
}
