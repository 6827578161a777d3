#include "protocol/thrift/message_scanner.h"

#include <gtest/gtest.h>

#include "protocol/thrift/envelope.h"
#include "support/guard_page.h"
#include "unit/protocol/thrift_bytes.h"
#include "unit/protocol/vectors.h"

namespace rpctee::protocol::thrift {
namespace {

using test::FromHex;
using test::RealFrame;
using test::ThriftBytes;
using test::ThriftType;
using Message = std::vector<uint8_t>;

constexpr uint64_t kMaxMessage = uint64_t{100} << 20;

struct Outcome {
  bool done;
  bool failed;
  uint64_t bytes;
  size_t used;
  bool operator==(const Outcome&) const = default;
};

template <typename Scanner>
Outcome OutcomeOf(const Scanner& scanner, uint64_t bytes, size_t used) {
  return {scanner.done(), scanner.failed(), bytes, used};
}

Outcome ScanWhole(Bytes bytes, uint64_t max_bytes = kMaxMessage) {
  MessageScanner scanner(max_bytes);
  const size_t used = scanner.Feed(bytes);
  // A scan that has ended takes nothing more; of one that goes on this is its next byte.
  if (scanner.done() || scanner.failed()) {
    const uint8_t more = 0;
    EXPECT_EQ(scanner.Feed({&more, 1}), 0U);
  }
  return OutcomeOf(scanner, scanner.message_bytes(), used);
}

Outcome ScanByteByByte(Bytes bytes, uint64_t max_bytes = kMaxMessage) {
  MessageScanner scanner(max_bytes);
  size_t used = 0;
  for (const uint8_t& byte : bytes) {
    used += scanner.Feed({&byte, 1});
  }
  return OutcomeOf(scanner, scanner.message_bytes(), used);
}

Message Joined(const Message& a, const Message& b) { return ThriftBytes().Append(a).Append(b).bytes(); }

void ExpectMessage(const Message& message) {
  const Message with_more = Joined(message, FromHex("80010001"));
  const Outcome whole = {true, false, message.size(), message.size()};
  EXPECT_EQ(ScanWhole(with_more), whole);
  EXPECT_EQ(ScanByteByByte(with_more), whole);
}

void ExpectFailure(const Message& message, std::string_view error, uint64_t max_bytes = kMaxMessage) {
  MessageScanner scanner(max_bytes);
  scanner.Feed(message);
  EXPECT_TRUE(scanner.failed());
  EXPECT_FALSE(scanner.done());
  EXPECT_NE(scanner.error().find(error), std::string_view::npos) << scanner.error();
  EXPECT_EQ(ScanWhole(message, max_bytes), ScanByteByByte(message, max_bytes));
}

TEST(MessageScanner, RealMessagesEndWhereTheNextBegins) {
  for (const char* name : {"thrift_unframed_binary", "thrift_unframed_binary_answer", "thrift_unframed_compact",
                           "thrift_unframed_compact_answer"}) {
    SCOPED_TRACE(name);
    ExpectMessage(RealFrame(name));
  }
}

TEST(MessageScanner, HeaderIsReadOnTheWay) {
  MessageScanner scanner(kMaxMessage);
  scanner.Feed(ThriftBytes(true).Header("fire", 4, 0xfedcba98).Stop().bytes());
  EXPECT_EQ(scanner.encoding(), Encoding::kCompact);
  EXPECT_EQ(scanner.kind(), MessageKind::kOneway);
  EXPECT_EQ(scanner.sequence_id(), 0xfedcba98U);
  MessageScanner exception(kMaxMessage);
  exception.Feed(ThriftBytes().Header("", 3, 7).Stop().bytes());
  EXPECT_TRUE(exception.done());
  EXPECT_EQ(exception.encoding(), Encoding::kBinary);
  EXPECT_EQ(exception.kind(), MessageKind::kResponse);
  EXPECT_EQ(exception.type(), MessageType::kException);
  EXPECT_EQ(exception.sequence_id(), 7U);
}

TEST(MessageScanner, MessageInAFrameEndsWithTheFrame) {
  for (const char* name : {"thrift_binary_update_user", "thrift_binary_oneway", "thrift_binary_mux",
                           "thrift_binary_fail_answer", "thrift_node_update_user", "thrift_compact_update_user",
                           "thrift_compact_add", "thrift_compact_answer", "thrift_header_binary", "thrift_header_kv"}) {
    SCOPED_TRACE(name);
    const Message frame = RealFrame(name);
    const size_t at = OpenEnvelope(frame).message_at;
    ExpectMessage(Message(frame.begin() + static_cast<std::ptrdiff_t>(at), frame.end()));
  }
}

TEST(ArgumentsScanner, ArgumentsEndWithTheFrameAlsoWithoutAVersion) {
  for (const char* name : {"thrift_binary_nonstrict", "thrift_binary_update_user", "thrift_compact_update_user"}) {
    SCOPED_TRACE(name);
    const Message frame = RealFrame(name);
    const Envelope envelope = OpenEnvelope(frame);
    const size_t at = envelope.message_at + envelope.message.header_bytes;
    ArgumentsScanner scanner(envelope.message.encoding, frame.size() - at);
    EXPECT_EQ(scanner.Feed(Bytes(frame).subspan(at)), frame.size() - at);
    EXPECT_TRUE(scanner.done());
    EXPECT_EQ(scanner.bytes(), frame.size() - at);
  }
}

TEST(MessageScanner, AnyMessageEndsWhereItsWriterEndedItHoweverItIsCut) {
  test::RandomThrift random(20880);
  std::mt19937 cuts(1);
  size_t bytes = 0;
  for (int round = 0; round < 4000; ++round) {
    const Message message = random.Message(round % 2 == 0);
    ASSERT_NO_FATAL_FAILURE(ExpectMessage(message)) << "round " << round;
    ASSERT_FALSE(testing::Test::HasFailure()) << "round " << round;
    const size_t cut = cuts() % (message.size() + 1);
    MessageScanner scanner(message.size());
    EXPECT_EQ(scanner.Feed(Bytes(message).first(cut)), cut);
    EXPECT_EQ(scanner.done(), cut == message.size());
    EXPECT_EQ(scanner.Feed(Bytes(message).subspan(cut)), message.size() - cut);
    ASSERT_TRUE(scanner.done()) << "round " << round << ", cut at " << cut;
    bytes += message.size();
  }
  EXPECT_GT(bytes, 1000000U) << "the messages have become too simple";
}

TEST(MessageScanner, NothingBehindThePieceIsRead) {
  const Message message = RealFrame("thrift_unframed_compact");
  test::GuardPage guard(message.size());
  for (size_t bytes = 0; bytes <= message.size(); ++bytes) {
    MessageScanner scanner(kMaxMessage);
    EXPECT_EQ(scanner.Feed(guard.Place(Bytes(message).first(bytes))), bytes);
    EXPECT_EQ(scanner.done(), bytes == message.size());
    EXPECT_FALSE(scanner.failed());
  }
}

struct TypeRow {
  const char* what;
  bool is_compact;
  const char* field;  // behind the message's header, without the struct's end
};

TEST(MessageScanner, EveryTypeIsSteppedOver) {
  const TypeRow rows[] = {
      {"nothing", false, ""},
      {"bool", false, "02 0001 01"},
      {"byte", false, "03 0001 ff"},
      {"double", false, "04 0001 0000000000000000"},
      {"i16", false, "06 0001 ffff"},
      {"i32", false, "08 0001 00000000"},
      {"i64", false, "0a 0001 ffffffffffffffff"},
      {"empty string", false, "0b 0001 00000000"},
      {"string", false, "0b 0001 00000002 0000"},
      {"struct", false, "0c 0001 03 0001 00 00"},
      {"map", false, "0d 0001 0b 08 00000001 00000001 61 00000000"},
      {"map of fixed width", false, "0d 0001 08 0a 00000002 000000010000000000000002 000000010000000000000002"},
      {"empty map without types", false, "0d 0001 00 00 00000000"},
      {"set", false, "0e 0001 03 00000003 000000"},
      {"list of structs", false, "0f 0001 0c 00000002 00 03 0001 00 00"},
      {"list of lists", false, "0f 0001 0f 00000002 03 00000000 03 00000001 00"},
      {"empty list without a type", false, "0f 0001 00 00000000"},
      {"uuid", false, "10 0001 00000000000000000000000000000000"},
      {"negative field id", false, "03 ffff 00"},
      {"nothing", true, ""},
      {"true and false", true, "11 12"},
      {"byte", true, "13 ff"},
      {"i16", true, "14 ffff03"},
      {"i32 in five bytes", true, "15 ffffffff0f"},
      {"i64 in ten bytes", true, "16 ffffffffffffffffff01"},
      {"double", true, "17 0000000000000000"},
      {"empty string", true, "18 00"},
      {"string", true, "18 02 0000"},
      {"short list", true, "19 23 0000"},
      {"list of bool", true, "19 32 010200"},
      {"list of bool as type 1", true, "19 31 010200"},
      {"list with a size of its own", true, "19 f3 0f 000000000000000000000000000000"},
      {"list of varints", true, "19 25 00 ffffffff0f"},
      {"empty list", true, "19 00"},
      {"set", true, "1a 28 00 0161"},
      {"empty map", true, "1b 00"},
      {"map", true, "1b 02 58 00 00 8001 0161"},
      {"map of bool", true, "1b 02 12 0101 0202"},
      {"struct", true, "1c 13 00 00"},
      {"uuid", true, "1d 00000000000000000000000000000000"},
      {"long field id", true, "03 ffff03 00"},
      {"bool with a long field id", true, "01 ffff03"},
  };
  for (const TypeRow& row : rows) {
    SCOPED_TRACE(std::string(row.what) + (row.is_compact ? ", compact" : ", binary"));
    ExpectMessage(ThriftBytes(row.is_compact).Header("m").Raw(row.field).Stop().bytes());
  }
}

TEST(MessageScanner, EndOfAStructIsSeenAsTheReadersSeeIt) {
  // In compact encoding the lower half of the byte decides.
  ExpectMessage(ThriftBytes(true).Header("m").Raw("13 00 f0").bytes());
}

TEST(MessageScanner, WhatIsNoMessageFails) {
  const std::pair<const char*, const char*> rows[] = {
      {"00000000", "begins"},         {"474554", "begins"},     {"81", "begins"},
      {"80020001", "begins"},         {"8222", "begins"},       {"80010000", "type"},
      {"80010005", "type"},           {"82a1", "type"},         {"80010001 00000401", "name"},
      {"80010001 ffffffff", "name"},  {"8221 00 8108", "name"}, {"8221 ffffffffff", "32 bits"},
      {"8221 ffffffff1f", "32 bits"},
  };
  for (const auto& [hex, error] : rows) {
    SCOPED_TRACE(hex);
    ExpectFailure(FromHex(hex), error);
  }
}

TEST(MessageScanner, ValuesThatCannotBeFail) {
  const std::tuple<bool, const char*, const char*> rows[] = {
      {false, "01 0001", "type"},
      {false, "05 0001", "type"},
      {false, "11 0001", "type"},
      {false, "ff 0001", "type"},
      {false, "0b 0001 ffffffff", "negative"},
      {false, "0f 0001 03 80000000", "negative"},
      {false, "0f 0001 01 00000001", "type"},
      {false, "0d 0001 03 00 00000001", "type"},
      {false, "0d 0001 00 03 00000001", "type"},
      {false, "0d 0001 03 03 ffffffff", "negative"},
      {true, "1e", "type"},
      {true, "1f", "type"},
      {true, "18 ffffffff0f", "negative"},
      {true, "18 ffffffffff", "number"},
      {true, "18 ffffffff1f", "number"},
      {true, "16 ffffffffffffffffffff", "number"},
      {true, "19 1e", "type"},
      {true, "19 10", "type"},
      {true, "19 f3 ffffffff0f", "negative"},
      {true, "1b ffffffff0f 33", "negative"},
      {true, "1b 01 30", "type"},
      {true, "1b 01 03", "type"},
  };
  for (const auto& [is_compact, field, error] : rows) {
    SCOPED_TRACE(field);
    ExpectFailure(ThriftBytes(is_compact).Header("m").Raw(field).bytes(), error);
  }
}

TEST(MessageScanner, MessageOfExactlyTheLimitIsTakenAndALongerOneIsNot) {
  test::RandomThrift random(7);
  for (int round = 0; round < 200; ++round) {
    const Message message = random.Message(round % 2 == 0);
    EXPECT_EQ(ScanWhole(message, message.size()), (Outcome{true, false, message.size(), message.size()}));
    const Outcome refused = ScanWhole(message, message.size() - 1);
    EXPECT_TRUE(refused.failed);
    EXPECT_LT(refused.bytes, message.size());
    EXPECT_EQ(ScanByteByByte(message, message.size() - 1), refused);
  }
  ExpectFailure(FromHex("80"), "longer", 0);
}

TEST(MessageScanner, WhatCannotFitIsRefusedBeforeItComes) {
  const std::pair<bool, const char*> rows[] = {
      {false, "0b 0001 7fffffff"},       {false, "0f 0001 0a 7fffffff"},    {false, "0f 0001 0c 7fffffff"},
      {false, "0d 0001 10 10 7fffffff"}, {false, "0d 0001 0d 0d 7fffffff"}, {true, "18 ffffffff07"},
      {true, "19 f1 ffffffff07"},        {true, "19 f5 ffffffff07"},        {true, "1b ffffffff07 dd"},
      {true, "1b ffffffff07 cc"},
  };
  for (const auto& [is_compact, field] : rows) {
    SCOPED_TRACE(field);
    const Message message = ThriftBytes(is_compact).Header("m").Raw(field).bytes();
    ExpectFailure(message, "longer");
    EXPECT_EQ(ScanWhole(message).bytes, message.size());
  }
}

// Structs inside each other; each but the first stands in a list of one, if `in_lists`.
Message Nested(bool is_compact, size_t structs, bool in_lists) {
  ThriftBytes message(is_compact);
  message.Header("m");
  for (size_t i = 1; i < structs; ++i) {
    if (in_lists) {
      message.Field(ThriftType::kList, 1, 0).ListHead(ThriftType::kStruct, 1);
    } else {
      message.Field(ThriftType::kStruct, 1, 0);
    }
  }
  return message.Byte(0, structs).bytes();
}

TEST(MessageScanner, StructsAreReadAsDeepAsThriftReadsThem) {
  for (const bool is_compact : {false, true}) {
    for (const bool in_lists : {false, true}) {
      ExpectMessage(Nested(is_compact, ArgumentsScanner::kMaxStructs, in_lists));
      ExpectFailure(Nested(is_compact, ArgumentsScanner::kMaxStructs + 1, in_lists), "deeper");
    }
  }
}

// Structs inside each other, each but the first in so many lists of two, and behind each list one more field.
void WriteNested(ThriftBytes& message, size_t structs, size_t lists_each) {
  if (structs > 1) {
    message.Field(lists_each > 0 ? ThriftType::kList : ThriftType::kStruct, 1, 0);
    for (size_t list = 1; list <= lists_each; ++list) {
      message.ListHead(list < lists_each ? ThriftType::kList : ThriftType::kStruct, 2);
    }
    WriteNested(message, structs - 1, lists_each);
    for (size_t list = lists_each; list > 0; --list) {
      // The second element: an empty struct, or an empty list.
      list == lists_each ? message.Stop() : message.ListHead(ThriftType::kList, 0);
    }
  }
  message.Field(ThriftType::kI32, 2, 1);
  (message.is_compact() ? message.Varint(300) : message.Number(300, 4)).Stop();
}

TEST(MessageScanner, EachValueGoesOnBehindTheOneInsideIt) {
  constexpr size_t kStructs = ArgumentsScanner::kMaxStructs;
  for (const bool is_compact : {false, true}) {
    for (const auto& [structs, lists_each] : {std::pair{kStructs, 0}, {kStructs, 1}, {kStructs / 2 + 1, 2}, {22, 3}}) {
      SCOPED_TRACE(std::to_string(structs) + " structs, lists around each: " + std::to_string(lists_each));
      ThriftBytes message(is_compact);
      message.Header("m");
      WriteNested(message, structs, static_cast<size_t>(lists_each));
      ExpectMessage(message.bytes());
    }
  }
}

TEST(MessageScanner, ListsInsideEachOtherAreBounded) {
  const auto lists = [](size_t depth) {
    ThriftBytes message(true);
    message.Header("m").Field(ThriftType::kList, 1, 0);
    for (size_t i = 1; i < depth; ++i) {
      message.ListHead(ThriftType::kList, 1);
    }
    return message.ListHead(ThriftType::kI32, 1).Byte(7).Stop().bytes();
  };
  ExpectMessage(lists(ArgumentsScanner::kMaxContainers));
  ExpectFailure(lists(ArgumentsScanner::kMaxContainers + 1), "deeper");
  ExpectFailure(ThriftBytes(true).Header("m").Raw("19").Byte(0x19, 1000000).bytes(), "deeper");
  ExpectFailure(ThriftBytes()
                    .Header("m")
                    .Raw("0f0001")
                    .Append([] {
                      ThriftBytes deep;
                      for (int i = 0; i < 200000; ++i) {
                        deep.Raw("0f00000001");
                      }
                      return deep.bytes();
                    }())
                    .bytes(),
                "deeper");
}

TEST(MessageScanner, ElementsWithoutAWidthStillUseUpBytes) {
  // A list that announces more empty structs than there are bytes: each takes one, so the walk ends with the input.
  const Message list = ThriftBytes(true).Header("m").Raw("19 fc 80808001").bytes();
  Message input = Joined(list, Message(1000000));
  MessageScanner scanner(kMaxMessage);
  EXPECT_EQ(scanner.Feed(input), input.size());
  EXPECT_FALSE(scanner.done());
  EXPECT_FALSE(scanner.failed());
}

}  // namespace
}  // namespace rpctee::protocol::thrift
