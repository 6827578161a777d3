#include "protocol/thrift/message_header.h"

#include <algorithm>

#include "protocol/thrift/varint.h"

namespace rpctee::protocol::thrift {
namespace {

constexpr std::string_view kUnknownMessage = "no Thrift message begins like this";
constexpr std::string_view kUnknownType = "the message type is none of Thrift's";
constexpr std::string_view kLongName = "the name is longer than a name may be";
constexpr std::string_view kBadName = "the name is not printable ASCII";
constexpr std::string_view kBadSequence = "the sequence id has more than 32 bits";
constexpr std::string_view kShortMessage = "the message ends inside its header";

// Reads one header. Each step returns false when it can't go on: the bytes end, or error() says what is wrong.
class HeaderReader {
 public:
  HeaderReader(Bytes bytes, uint64_t message_bytes)
      : message_bytes_(message_bytes),
        reader_(bytes.first(static_cast<size_t>(std::min<uint64_t>(bytes.size(), message_bytes)))) {}

  bool ReadStrict() {
    reader_.Skip(1);
    const uint8_t version = reader_.U8();
    // The third byte is not used, and not looked at by Thrift's readers.
    reader_.Skip(1);
    return Check(version == kVersion, kUnknownMessage) && ReadType(reader_.U8()) && ReadName(reader_.Be32()) &&
           ReadFixedSequence();
  }
  bool ReadCompact() {
    reader_.Skip(1);
    const uint8_t version_and_type = reader_.U8();
    header_.encoding = Encoding::kCompact;
    return Check((version_and_type & kCompactVersionMask) == kVersion, kUnknownMessage) &&
           ReadType(version_and_type >> kCompactTypeShift) && ReadVarintSequence() && ReadVarintName();
  }
  bool ReadNameFirst() {
    const uint32_t name_bytes = reader_.Be32();
    return Check(name_bytes > 0, kUnknownMessage) && ReadName(name_bytes) &&
           Check(std::all_of(header_.name.begin(), header_.name.end(), [](char c) { return c > 0x20 && c < 0x7f; }),
                 kBadName) &&
           ReadType(reader_.U8()) && ReadFixedSequence();
  }

  MessageHeader Finish(bool is_whole) {
    const bool ended = reader_.failed();
    if (is_whole) {
      header_.status = FrameStatus::kFrame;
      header_.header_bytes = reader_.position();
    } else if (!header_.error.empty() || (ended && available_ >= message_bytes_)) {
      header_.status = FrameStatus::kMalformed;
      header_.error = header_.error.empty() ? kShortMessage : header_.error;
    }
    return header_;
  }

 private:
  bool Check(bool holds, std::string_view otherwise) {
    if (!reader_.failed() && !holds) {
      header_.error = otherwise;
    }
    return !reader_.failed() && holds;
  }
  bool ReadType(unsigned type) {
    header_.type = static_cast<MessageType>(type);
    return Check(IsMessageType(type), kUnknownType);
  }
  bool ReadName(uint32_t name_bytes) {
    if (!Check(name_bytes <= kMaxNameBytes, kLongName) ||
        !Check(name_bytes <= message_bytes_ - reader_.position(), kShortMessage)) {
      return false;
    }
    header_.name = AsText(reader_.Take(name_bytes));
    return !reader_.failed();
  }
  bool ReadFixedSequence() {
    header_.sequence_at = reader_.position();
    header_.sequence_id = reader_.Be32();
    header_.sequence_bytes = sizeof(header_.sequence_id);
    return !reader_.failed();
  }
  bool ReadVarintSequence() {
    header_.sequence_at = reader_.position();
    const auto id = ReadVarint32(reader_);
    header_.sequence_id = id.value_or(0);
    header_.sequence_bytes = reader_.position() - header_.sequence_at;
    return Check(id.has_value(), kBadSequence);
  }
  bool ReadVarintName() {
    const auto name_bytes = ReadVarint32(reader_);
    return Check(name_bytes.has_value(), kLongName) && ReadName(*name_bytes);
  }

  MessageHeader header_;
  uint64_t message_bytes_;
  ByteReader reader_;
  size_t available_ = reader_.remaining();
};

}  // namespace

MessageKind KindOf(MessageType type) {
  switch (type) {
    case MessageType::kCall:
      return MessageKind::kRequest;
    case MessageType::kOneway:
      return MessageKind::kOneway;
    case MessageType::kReply:
    case MessageType::kException:
      break;
  }
  return MessageKind::kResponse;
}

MessageHeader ParseMessageHeader(Bytes bytes, uint64_t message_bytes) {
  HeaderReader reader(bytes, message_bytes);
  const uint8_t first = bytes.empty() ? uint8_t{0} : bytes[0];
  const bool is_whole = first == kBinaryFirstByte    ? reader.ReadStrict()
                        : first == kCompactFirstByte ? reader.ReadCompact()
                                                     : reader.ReadNameFirst();
  return reader.Finish(is_whole);
}

}  // namespace rpctee::protocol::thrift
