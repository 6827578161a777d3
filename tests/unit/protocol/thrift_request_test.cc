#include "protocol/thrift/thrift_request.h"

#include <gtest/gtest.h>

#include "protocol/thrift/info_pairs.h"
#include "support/codec_kit.h"
#include "unit/protocol/thrift_bytes.h"
#include "unit/protocol/vectors.h"

namespace rpctee::protocol::thrift {
namespace {

using test::Fields;
using test::FromHex;
using test::RealFrame;
using test::ThriftBytes;
using Message = std::vector<uint8_t>;
using Status = FieldValue::Status;

std::unique_ptr<RequestView> MakeView(Bytes frame) { return std::make_unique<ThriftRequest>(frame); }

struct RealRow {
  const char* frame;
  MessageKind kind;
  Fields fields;
};

Fields Plain(const char* method) { return {{"method", method}, {"interface", {}}, {"trace-id", {}}, {"version", {}}}; }

const std::vector<RealRow>& RealRows() {
  static const std::vector<RealRow> rows = {
      {"thrift_binary_say_hello", MessageKind::kRequest, Plain("sayHello")},
      {"thrift_binary_update_user", MessageKind::kRequest, Plain("updateUser")},
      {"thrift_binary_oneway", MessageKind::kOneway, Plain("fire")},
      {"thrift_binary_nonstrict", MessageKind::kRequest, Plain("sayHello")},
      {"thrift_binary_mux", MessageKind::kRequest, {{"method", "updateUser"}, {"interface", "Mirror"}, {"group", {}}}},
      {"thrift_node_update_user", MessageKind::kRequest, Plain("updateUser")},
      {"thrift_compact_update_user", MessageKind::kRequest, Plain("updateUser")},
      {"thrift_compact_add", MessageKind::kRequest, Plain("add")},
      {"thrift_cpp_compact_say_hello", MessageKind::kRequest, Plain("sayHello")},
      {"thrift_header_binary", MessageKind::kRequest, Plain("updateUser")},
      {"thrift_header_kv", MessageKind::kRequest, {{"method", "sayHello"}, {"interface", {}}, {"trace-id", "abc-123"}}},
      {"thrift_header_zlib", MessageKind::kRequest, Plain("sayHello")},
      {"thrift_header_zlib_update_user", MessageKind::kRequest, Plain("updateUser")},
      {"thrift_unframed_binary", MessageKind::kRequest, Plain("updateUser")},
      {"thrift_unframed_compact", MessageKind::kRequest, Plain("updateUser")},
  };
  return rows;
}

TEST(ThriftRequest, RealRequestsAreReadAsTheirProgramsMeantThem) {
  for (const RealRow& row : RealRows()) {
    SCOPED_TRACE(row.frame);
    const Message frame = RealFrame(row.frame);
    ThriftRequest request(frame);
    test::ExpectFields(request, row.fields);
    EXPECT_EQ(request.Kind(), row.kind);
  }
}

TEST(ThriftRequest, CutShortItAnswersTheSameOrNotAtAll) {
  for (const RealRow& row : RealRows()) {
    SCOPED_TRACE(row.frame);
    test::ExpectTruncatedRequestNeverLies(MakeView, RealFrame(row.frame), row.fields);
  }
}

TEST(ThriftRequest, ChangedBytesAreOrdinaryInput) {
  const Fields fields = {{"group", {}}, {"method", {}}, {"interface", {}}, {"trace-id", {}}};
  for (const char* name : {"thrift_binary_mux", "thrift_compact_update_user", "thrift_header_kv", "thrift_header_zlib",
                           "thrift_unframed_binary"}) {
    test::ExpectChangedRequestIsOrdinaryInput(MakeView, RealFrame(name), fields, 0, 10000);
  }
}

TEST(ThriftRequest, FieldsInFrontOfACutAreStillRead) {
  const Message frame = RealFrame("thrift_header_kv");
  ThriftRequest request(Bytes(frame).first(frame.size() - 8));
  EXPECT_EQ(request.Method().value, "sayHello");
  EXPECT_EQ(request.Field("trace-id").value, "abc-123");
}

TEST(ThriftRequest, NamesAreComparedWithoutRegardToCase) {
  const Message frame = RealFrame("thrift_header_kv");
  ThriftRequest request(frame);
  EXPECT_EQ(request.Field("METHOD").value, "sayHello");
  EXPECT_EQ(request.Field("Trace-ID").value, "abc-123");
  EXPECT_EQ(request.Field("InterFace").status, Status::kAbsent);
}

TEST(ThriftRequest, BytesBehindTheFrameAreNotLookedAt) {
  Message two = RealFrame("thrift_header_zlib");
  const size_t one = two.size();
  two.resize(one - 20);
  two[3] = static_cast<uint8_t>(two.size() - 4);
  const Message next = RealFrame("thrift_header_zlib");
  two.insert(two.end(), next.end() - 20, next.end());
  EXPECT_EQ(ThriftRequest(two).Method().status, Status::kUndecodable) << "the rest belongs to the next frame";
}

TEST(ThriftRequest, RepliesHaveNoFields) {
  for (const char* name :
       {"thrift_binary_add_answer", "thrift_binary_fail_answer", "thrift_compact_answer", "thrift_header_binary_answer",
        "thrift_header_compact_answer", "thrift_unframed_binary_answer", "thrift_unframed_compact_answer"}) {
    SCOPED_TRACE(name);
    const Message frame = RealFrame(name);
    ThriftRequest request(frame);
    for (const char* field : {"method", "interface", "trace-id"}) {
      EXPECT_EQ(request.Field(field).status, Status::kUndecodable);
    }
    EXPECT_EQ(request.Kind(), std::nullopt);
  }
}

TEST(ThriftRequest, ServiceEndsAtTheFirstColon) {
  const auto field = [](const char* name, const char* which) {
    const Message frame = ThriftBytes().Header(name).Stop().Framed();
    ThriftRequest request(frame);
    const FieldValue value = request.Field(which);
    return value.status == Status::kPresent ? std::string(value.value) : std::string("absent");
  };
  EXPECT_EQ(field("a.b.C:d", "interface"), "a.b.C");
  EXPECT_EQ(field("a.b.C:d", "method"), "d");
  EXPECT_EQ(field("a:b:c", "interface"), "a");
  EXPECT_EQ(field("a:b:c", "method"), "b:c");
  EXPECT_EQ(field(":d", "interface"), "");
  EXPECT_EQ(field("a:", "method"), "");
  EXPECT_EQ(field("d", "interface"), "absent");
  EXPECT_EQ(field("d", "method"), "d");
}

TEST(ThriftRequest, NameThatIsNoTextIsUndecodable) {
  const Message frame = ThriftBytes().Header("\xff:\xc3\xa9").Stop().Framed();
  ThriftRequest request(frame);
  EXPECT_EQ(request.Interface().status, Status::kUndecodable);
  EXPECT_EQ(request.Method().value, "\xc3\xa9");
  EXPECT_EQ(request.Kind(), MessageKind::kRequest);
}

// What Finagle's clients send once the server has agreed: their header, then the message, in one frame.
TEST(ThriftRequest, StructInFrontOfTheMessageMakesEverythingUndecodable) {
  const Message message = ThriftBytes().Header("sayHello").Stop().bytes();
  const std::vector<ThriftBytes> structs = {
      ThriftBytes().Raw("0a0001").Number(1, 8).Raw("0a0002").Number(2, 8).Raw("020005 01 0a0007").Number(0, 8).Stop(),
      ThriftBytes().Raw("0c0006 0b0001").Text("client").Stop().Stop(),
      ThriftBytes().Raw("0f0008 0c").Number(0, 4).Raw("0b0009").Text("/s/users").Stop(),
      ThriftBytes().Stop(),
  };
  for (const ThriftBytes& front : structs) {
    const Message frame = ThriftBytes(front).Append(message).Framed();
    ThriftRequest request(frame);
    for (const char* field : {"method", "interface", "client"}) {
      EXPECT_EQ(request.Field(field).status, Status::kUndecodable);
    }
    EXPECT_EQ(request.Kind(), std::nullopt);
  }
}

Message WithInfo(const ThriftBytes& info) {
  return ThriftBytes(true).Header("m").Stop().InHeader(ThriftBytes().Raw("0200").Append(info.bytes()).bytes());
}

TEST(ThriftRequest, OfKeysWithOneNameTheLastCounts) {
  const Message frame =
      WithInfo(ThriftBytes(true).Raw("01 03").Text("a").Text("1").Text("b").Text("2").Text("A").Text("3"));
  ThriftRequest request(frame);
  EXPECT_EQ(request.Field("a").value, "3");
  EXPECT_EQ(request.Field("b").value, "2");
  EXPECT_EQ(request.Field("c").status, Status::kAbsent);
}

TEST(ThriftRequest, KeysMayComeInSeveralParts) {
  const Message frame = WithInfo(ThriftBytes(true).Raw("01 01").Text("a").Text("1").Raw("01 01").Text("b").Text(""));
  ThriftRequest request(frame);
  EXPECT_EQ(request.Field("a").value, "1");
  EXPECT_EQ(request.Field("b").status, Status::kPresent);
  EXPECT_EQ(request.Field("b").value, "");
}

TEST(ThriftRequest, KeysThatCannotBeReadToTheirEndAreUndecodable) {
  const std::pair<const char*, ThriftBytes> rows[] = {
      {"an unknown kind of info", ThriftBytes(true).Raw("01 01").Text("a").Text("1").Raw("02 01").Text("b").Text("2")},
      {"a length beyond the header", ThriftBytes(true).Raw("01 01").Text("a").Raw("7f")},
      {"a length of 2 GiB", ThriftBytes(true).Raw("01 01").Text("a").Raw("ffffffff07")},
      {"a length without end", ThriftBytes(true).Raw("01 01").Text("a").Raw("ffffffffff01")},
      {"a count beyond the header", ThriftBytes(true).Raw("01 3f").Text("a").Text("1")},
      {"a count of 4 Gi", ThriftBytes(true).Raw("01 ffffffff0f").Text("a").Text("1")},
      {"no count", ThriftBytes(true).Raw("01 01").Text("a").Text("1").Raw("01 8080808080")},
  };
  for (const auto& [what, info] : rows) {
    SCOPED_TRACE(what);
    const Message frame = WithInfo(info);
    ThriftRequest request(frame);
    EXPECT_EQ(request.Method().value, "m");
    EXPECT_EQ(request.Field("a").status, Status::kUndecodable);
    EXPECT_EQ(request.Field("z").status, Status::kUndecodable);
  }
}

TEST(ThriftRequest, NumberOfKeysIsBounded) {
  for (const size_t count : {kMaxInfoKeys, kMaxInfoKeys + 1}) {
    ThriftBytes info(true);
    info.Raw("01").Varint(count);
    for (size_t i = 0; i < count; ++i) {
      info.Text("k" + std::to_string(i)).Text("1");
    }
    const Message frame = WithInfo(info);
    ThriftRequest request(frame);
    EXPECT_EQ(request.Field("k1").status, count > kMaxInfoKeys ? Status::kUndecodable : Status::kPresent);
  }
}

TEST(ThriftRequest, ValueThatIsNoTextIsUndecodableAndTheOthersAreNot) {
  const Message frame =
      WithInfo(ThriftBytes(true).Raw("01 03").Text("a").Text("\x80").Text("\xff").Text("1").Text("b").Text("2"));
  ThriftRequest request(frame);
  EXPECT_EQ(request.Field("a").status, Status::kUndecodable);
  EXPECT_EQ(request.Field("b").value, "2");
}

// The variable part of a header with these transforms and one key, a = 1.
Message HiddenBy(const char* transforms, const ThriftBytes& payload) {
  return payload.InHeader(ThriftBytes(true).Raw(transforms).Raw("01 01").Text("a").Text("1").bytes());
}

TEST(ThriftRequest, KeysOfAHiddenMessageCanBeRead) {
  const std::pair<const char*, const char*> rows[] = {
      {"hmac", "02 01 02"},          {"snappy", "02 01 03"},
      {"zlib twice", "02 02 01 01"}, {"zlib, then hmac", "02 02 01 02"},
      {"another protocol", "05 00"}, {"another protocol in zlib", "05 01 01"}};
  for (const auto& [what, transforms] : rows) {
    SCOPED_TRACE(what);
    const Message frame = HiddenBy(transforms, ThriftBytes(true).Header("m").Stop());
    ThriftRequest request(frame);
    EXPECT_EQ(request.Field("a").value, "1");
    EXPECT_EQ(request.Field("b").status, Status::kAbsent);
    EXPECT_EQ(request.Field("method").status, Status::kUndecodable);
    EXPECT_EQ(request.Field("interface").status, Status::kUndecodable);
    EXPECT_EQ(request.Kind(), std::nullopt);
  }
}

TEST(ThriftRequest, WhatZlibCannotUnpackIsUndecodable) {
  // Stored blocks: what is packed can be read here.
  const std::pair<const char*, const char*> rows[] = {
      {"nothing", ""},
      {"no zlib", "474554202f20485454502f312e31"},
      {"another method", "7901 01 0900 f6ff 8221 07 04 66697265 00"},
      {"a dictionary that nobody has", "7820 00000001 01 0900 f6ff 8221 07 04 66697265 00"},
      {"a block of no known kind", "7801 07"},
      {"a reply", "7801 01 0900 f6ff 8241 07 04 66697265 00"},
      {"the other encoding", "7801 01 0e00 f1ff 80010001 00000001 61 00000000 00"},
      {"a message that ends in its name", "7801 01 0600 f9ff 8221 07 04 6669"},
  };
  for (const auto& [what, packed] : rows) {
    SCOPED_TRACE(what);
    const Message frame = HiddenBy("02 01 01", ThriftBytes().Raw(packed));
    ThriftRequest request(frame);
    EXPECT_EQ(request.Field("method").status, Status::kUndecodable);
    EXPECT_EQ(request.Field("a").status, Status::kUndecodable);
  }
  const Message good = HiddenBy("02 01 01", ThriftBytes().Raw("7801 01 0900 f6ff 8281 07 04 66697265 00"));
  ThriftRequest request(good);
  EXPECT_EQ(request.Method().value, "fire");
  EXPECT_EQ(request.Field("a").value, "1");
  EXPECT_EQ(request.Kind(), MessageKind::kOneway);
}

TEST(ThriftRequest, NothingIsReadFromWhatIsNoMessage) {
  for (const char* hex : {"", "00", "474554202f20485454502f312e310d0a", "ffffffff", "00000000", "8001", "82",
                          "dabbc200 0000000000000001 00000001 4e"}) {
    SCOPED_TRACE(hex);
    const Message message = FromHex(hex);
    ThriftRequest request(message);
    for (const char* field : {"method", "interface", "a"}) {
      EXPECT_EQ(request.Field(field).status, Status::kUndecodable);
    }
  }
}

}  // namespace
}  // namespace rpctee::protocol::thrift
