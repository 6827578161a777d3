// Other sequence ids in Thrift messages, in place and in a copy.
#include <gtest/gtest.h>

#include "protocol/thrift/thrift_codec.h"
#include "unit/protocol/thrift_bytes.h"
#include "unit/protocol/vectors.h"

namespace rpctee::protocol::thrift {
namespace {

using test::FromHex;
using test::RealFrame;
using test::ThriftBytes;
using Message = std::vector<uint8_t>;

constexpr uint32_t kIds[] = {0, 1, 127, 128, 16383, 16384, 2097151, 2097152, 268435455, 268435456, 0xffffffff};

// With `hex` over the bytes at `at`.
Message With(Message message, size_t at, std::string_view hex) {
  const Message bytes = FromHex(hex);
  std::copy(bytes.begin(), bytes.end(), message.begin() + static_cast<std::ptrdiff_t>(at));
  return message;
}

Message Renamed(Message message, uint32_t id) {
  EXPECT_TRUE(RewriteId(message, id));
  return message;
}

Message Copied(const Message& message, uint32_t id) {
  Message copy(message.size() + kMaxIdGrowthBytes, 0xee);
  const auto bytes = CopyWithId(message, id, copy);
  EXPECT_TRUE(bytes.has_value());
  EXPECT_EQ(std::count(copy.begin() + static_cast<std::ptrdiff_t>(bytes.value_or(0)), copy.end(), 0xee),
            static_cast<std::ptrdiff_t>(copy.size() - bytes.value_or(0)))
      << "bytes behind the copy";
  copy.resize(bytes.value_or(0));
  return copy;
}

TEST(ThriftRename, BinaryIdIsFourBytesAndNothingElseChanges) {
  const Message strict = RealFrame("thrift_binary_say_hello");
  EXPECT_EQ(Renamed(strict, 0xf1020304), With(strict, 20, "f1020304"));
  const Message name_first = RealFrame("thrift_binary_nonstrict");
  EXPECT_EQ(Renamed(name_first, 0xf1020304), With(name_first, 17, "f1020304"));
  const Message unframed = RealFrame("thrift_unframed_binary");
  EXPECT_EQ(Renamed(unframed, 0xf1020304), With(unframed, 18, "f1020304"));
}

TEST(ThriftRename, CompactIdChangesInPlaceWhereItFits) {
  const Message frame = RealFrame("thrift_compact_add");
  EXPECT_EQ(Renamed(frame, 127), With(frame, 6, "7f"));
  Message kept = frame;
  EXPECT_FALSE(RewriteId(kept, 128));
  EXPECT_EQ(kept, frame);
  const Message unframed = RealFrame("thrift_unframed_compact");
  EXPECT_EQ(Renamed(unframed, 5), With(unframed, 2, "05"));
}

TEST(ThriftRename, ShorterCompactIdFillsThePlaceOfALongerOne) {
  const Message longest = ThriftBytes(true).Header("a", 1, 0xffffffff).Stop().Framed();
  for (const uint32_t id : kIds) {
    const Message renamed = Renamed(longest, id);
    EXPECT_EQ(renamed.size(), longest.size());
    EXPECT_EQ(ParseFramed(renamed).id, id);
    EXPECT_EQ(Renamed(renamed, 0xffffffff), longest);
  }
  // Python's thrift 0.25 answered a request with this id with id 5.
  EXPECT_EQ(Renamed(longest, 5), With(longest, 6, "8580808000"));
}

TEST(ThriftRename, BothIdsOfAHeaderChange) {
  const Message binary = RealFrame("thrift_header_binary");
  EXPECT_EQ(Renamed(binary, 0xf1020304), With(With(binary, 8, "f1020304"), 36, "f1020304"));
  const Message compact = RealFrame("thrift_header_kv");
  EXPECT_EQ(Renamed(compact, 0x7f), With(With(compact, 8, "0000007f"), 40, "7f"));
}

TEST(ThriftRename, WhatCannotBeRenamedStaysAsItIs) {
  for (const Message& message : {RealFrame("thrift_header_zlib"), ThriftBytes().Raw("00112233").InHeader(FromHex("05")),
                                 FromHex("00000060 0a0001 0000000000000001"), FromHex("474554202f20"), Message{},
                                 ThriftBytes().Raw("8221 00 01 61 00").InHeader(FromHex("00"))}) {
    Message kept = message;
    EXPECT_FALSE(RewriteId(kept, 1));
    EXPECT_EQ(kept, message);
    Message copy(message.size() + kMaxIdGrowthBytes);
    EXPECT_EQ(CopyWithId(message, 1, copy), std::nullopt);
  }
  const Message whole = RealFrame("thrift_binary_say_hello");
  Message copy(whole.size() + kMaxIdGrowthBytes);
  EXPECT_EQ(CopyWithId(Bytes(whole).first(whole.size() - 1), 1, copy), std::nullopt);
  Message too_long = RealFrame("thrift_header_kv");
  EXPECT_FALSE(RewriteId(too_long, 128));
  EXPECT_EQ(too_long, RealFrame("thrift_header_kv")) << "the header's id too";
}

TEST(ThriftRename, CopyHasRoomForEveryId) {
  for (const char* name : {"thrift_binary_update_user", "thrift_binary_nonstrict", "thrift_node_update_user",
                           "thrift_compact_update_user", "thrift_header_binary", "thrift_header_kv"}) {
    SCOPED_TRACE(name);
    const Message frame = RealFrame(name);
    for (const uint32_t id : kIds) {
      const Message copy = Copied(frame, id);
      const FrameHeader header = ParseFramed(copy);
      ASSERT_EQ(header.status, FrameStatus::kFrame) << header.error;
      EXPECT_EQ(header.frame_bytes, copy.size());
      EXPECT_EQ(header.id, id);
      const Envelope before = OpenEnvelope(frame);
      const Envelope after = OpenEnvelope(copy);
      EXPECT_EQ(after.message.sequence_id, id);
      EXPECT_EQ(after.message.name, before.message.name);
      EXPECT_EQ(Message(copy.begin() + static_cast<std::ptrdiff_t>(after.message_at + after.message.header_bytes),
                        copy.end()),
                Message(frame.begin() + static_cast<std::ptrdiff_t>(before.message_at + before.message.header_bytes),
                        frame.end()));
    }
  }
}

TEST(ThriftRename, CopyOfAnUnframedMessageHasNoLength) {
  const Message message = RealFrame("thrift_unframed_compact");
  Message expected = message;
  expected[2] = 0xac;
  expected.insert(expected.begin() + 3, 0x02);
  EXPECT_EQ(Copied(message, 300), expected);
  const Message binary = RealFrame("thrift_unframed_binary");
  EXPECT_EQ(Copied(binary, 0xf1020304), With(binary, 18, "f1020304"));
}

}  // namespace
}  // namespace rpctee::protocol::thrift
