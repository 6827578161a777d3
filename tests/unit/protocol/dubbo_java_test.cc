// Bodies in Java's serialization with what the real ones do not show, and such as somebody made to hurt.
#include <gtest/gtest.h>

#include <chrono>

#include "protocol/dubbo/dubbo_request.h"
#include "protocol/dubbo/java_objects.h"
#include "support/dubbo_frames.h"
#include "unit/protocol/dubbo_calls.h"

namespace rpctee::protocol::dubbo {
namespace {

using test::FromHex;
using Status = FieldValue::Status;

constexpr uint8_t kJava = 0xc3;
constexpr uint8_t kCompactedJava = 0xc4;
constexpr uint8_t kNativeJava = 0xc7;

// Hexadecimal digits of a java.util.HashMap in front of its entries, and of an int in block data.
const std::string kHashMap =
    "73 7200116a6176612e7574696c2e486173684d61700507dac1c31660d1030002"
    "46000a6c6f6164466163746f72 4900097468726573686f6c64 7870 3f400000 0000000c 7708 00000010";
// {"a": "1"}
const std::string kOne = kHashMap + "00000001 740001 61 740001 31 78";

std::string Be32(size_t value) {
  std::string hex;
  for (int shift = 28; shift >= 0; shift -= 4) {
    hex += "0123456789abcdef"[value >> shift & 0xf];
  }
  return hex;
}

std::string HexOf(std::string_view text) {
  std::string hex;
  for (const char c : text) {
    hex += Be32(static_cast<uint8_t>(c)).substr(6);
  }
  return hex;
}

std::string Text(std::string_view text) { return Be32(text.size()).substr(4) + HexOf(text); }

std::vector<uint8_t> Request(const std::string& hex, uint8_t flags = kNativeJava) {
  return test::DubboFrame(flags, 1, FromHex("aced0005" + hex));
}

// A call of hi with these parameters, behind whose five strings this follows.
std::vector<uint8_t> Call(std::string_view descriptor, const std::string& hex) {
  const std::string strings = Text("2.0.2") + Text("org.Demo") + Text("1.0.0") + Text("hi") + Text(descriptor);
  return Request("7a" + Be32(strings.size() / 2) + strings + hex);
}

Status StatusBehind(std::string_view descriptor, const std::string& hex, const char* name = "a") {
  const std::vector<uint8_t> frame = Call(descriptor, hex);
  DubboRequest request(frame);
  EXPECT_EQ(request.Method().value, "hi");
  return request.Field(name).status;
}

TEST(DubboJava, FieldsOfUnknownClassesHideWhatIsBehind) {
  const std::vector<uint8_t> frame = test::RealFrame("dubbo2723/compactedjava_rich");
  DubboRequest request(frame);
  test::ExpectFields(request, {{"interface", "org.example.DemoService"}, {"method", "rich"}, {"version", "1.0.0"}});
  EXPECT_EQ(request.Field("path").status, Status::kUndecodable);
}

TEST(DubboJava, StringsMayBeInSeveralRecords) {
  const std::string strings = Text("2.0.2") + Text("org.Demo") + Text("1.0.0") + Text("hi") + Text("");
  for (size_t bytes = 1; bytes < strings.size() / 2; ++bytes) {
    std::string hex;
    for (size_t at = 0; at < strings.size(); at += 2 * bytes) {
      const std::string piece = strings.substr(at, 2 * bytes);
      hex += "7700 77" + Be32(piece.size() / 2).substr(6) + piece;
    }
    const auto frame = Request(hex + kOne);
    DubboRequest request(frame);
    test::ExpectFields(request, {{"interface", "org.Demo"}, {"version", "1.0.0"}, {"method", "hi"}, {"a", "1"}});
  }
}

TEST(DubboJava, AttachmentsMayBeNull) {
  EXPECT_EQ(StatusBehind("", "70"), Status::kAbsent);
  EXPECT_EQ(StatusBehind("", kOne), Status::kPresent);
}

std::string Counted(std::string_view text) { return Be32(text.size()) + Text(text); }

TEST(DubboJava, NullStringsAndObjectsHaveMarks) {
  const std::string strings = Counted("2.0.2") + "ffffffff ffffffff" + Counted("") + Counted("I") + "00 00";
  const auto frame = Request("7722" + strings, kJava);
  DubboRequest request(frame);
  test::ExpectFields(request, {{"interface", {}}, {"version", {}}, {"method", ""}, {"a", {}}});
}

TEST(DubboJava, DubboxMayWriteMinusOneInFrontOfTheDescriptor) {
  const std::string strings = Counted("2.8.4") + Counted("org.Demo") + Counted("1.0.0") + Counted("hi") + "ffffffff" +
                              Counted("I") + "00" + "01";
  const auto frame = Request("7a" + Be32(strings.size() / 2) + strings + kOne, kJava);
  DubboRequest request(frame);
  test::ExpectFields(request, {{"interface", "org.Demo"}, {"version", "1.0.0"}, {"method", "hi"}, {"a", "1"}});
  EXPECT_EQ(request.Descriptor().value, "I");
}

TEST(DubboJava, MarksOtherThanZeroAndOneAreNone) {
  const std::string strings =
      Counted("2.0.2") + Counted("org.Demo") + Counted("1.0.0") + Counted("hi") + Counted("") + "02";
  const auto frame = Request("7a" + Be32(strings.size() / 2) + strings + kOne, kJava);
  EXPECT_EQ(DubboRequest(frame).Field("a").status, Status::kUndecodable);
}

TEST(DubboJava, ReferencesToStringsAreFollowed) {
  // The argument is the string "a"; the map's class and the map have the handles 1 and 2.
  EXPECT_EQ(StatusBehind("Ljava/lang/String;", "740001 61" + kHashMap + "00000001 71 007e0000 740001 31 78"),
            Status::kPresent);
  const auto frame = Call("Ljava/lang/String;", "740001 61" + kHashMap +
                                                    "00000003 740001 62 71 007e0000 740001 63 71 007e0003 740001 61 "
                                                    "71 007e0005 78");
  DubboRequest request(frame);
  test::ExpectFields(request, {{"b", "a"}, {"c", "b"}});
}

TEST(DubboJava, ReferencesToAnythingElseAreUndecodable) {
  const std::string map = "00000002 740001 61 71 007e0001 740001 62 740001 31 78";
  EXPECT_EQ(StatusBehind("", kHashMap + map), Status::kUndecodable) << "to the map itself";
  EXPECT_EQ(StatusBehind("", kHashMap + map, "b"), Status::kPresent);
  EXPECT_EQ(StatusBehind("", kHashMap + "00000001 71 007e0001 740001 31 78"), Status::kUndecodable) << "as a name";
  EXPECT_EQ(StatusBehind("", kHashMap + "00000001 740001 61 71 007e0003 78"), Status::kUndecodable) << "to none";
  EXPECT_EQ(StatusBehind("", kHashMap + "00000001 740001 61 71 007dffff 78"), Status::kUndecodable);
}

TEST(DubboJava, NamesThatAreNoStringsMakeTheAttachmentsUndecodable) {
  EXPECT_EQ(StatusBehind("", kHashMap + "00000001 70 740001 31 78"), Status::kUndecodable);
  EXPECT_EQ(StatusBehind("", kHashMap + "00000001 740001 ff 740001 31 78"), Status::kUndecodable);
}

TEST(DubboJava, AttachmentsThatAreNoHashMapAreUndecodable) {
  const std::string tree_map = "73 72" + Text("java.util.TreeMap") + "0000000000000000 03 0000 78 70 7704 00000000 78";
  EXPECT_EQ(StatusBehind("", tree_map), Status::kUndecodable);
  for (const char* hex : {"", "740001 61", "71 007e0000", "73 70", "7e 70", "78", "7704 00000000"}) {
    EXPECT_EQ(StatusBehind("", hex), Status::kUndecodable) << hex;
  }
  EXPECT_EQ(StatusBehind("", kOne.substr(0, kOne.size() - 2)), Status::kUndecodable) << "without an end";
  EXPECT_EQ(StatusBehind("", kHashMap + "00000002 740001 61 740001 31 78"), Status::kUndecodable) << "one too few";
}

TEST(DubboJava, ClassesDerivedFromHashMapHaveItsEntries) {
  std::string derived = kOne;
  const std::string of_hash_map = kHashMap.substr(3, kHashMap.find("3f400000") - 3);
  derived.replace(3, of_hash_map.size(), "72" + Text("X") + "0000000000000000 02 0000 78 " + of_hash_map);
  EXPECT_EQ(StatusBehind("", derived), Status::kPresent);
}

// One argument that is an object, an array or a class of some kind, in front of the attachments.
TEST(DubboJava, ObjectsOfEveryKindAreSteppedOver) {
  const std::string suid = "0000000000000001";
  const std::string plain = "72" + Text("X") + suid;
  const std::string rows[] = {
      "70",
      "740002 6869",
      "7c 0000000000000002 6869",
      "73" + plain + "02 0000 78 70",
      "73" + plain + "02 0002 49 0001 69 4c 0001 73 " + "740012" + HexOf("Ljava/lang/String;") +
          "78 70 00000007 740001 61",
      "73" + plain + "03 0000 78 70 7702 6869 740001 61 73 71 007e0000 78 78",
      "73" + plain + "0c 0000 78 70 7a00000002 6869 70 78",
      "73" + plain + "02 0000 740001 61 7702 6869 78" + "72" + Text("Y") + suid + "02 0001 42 0001 62 78 70 07",
      "75 72" + Text("[B") + suid + "02 0000 78 70 00000003 010203",
      "75 72" + Text("[J") + suid + "02 0000 78 70 00000001 0000000000000007",
      "75 72" + Text("[Ljava.lang.String;") + suid + "02 0000 78 70 00000002 740001 61 70",
      "75 72" + Text("[[I") + suid + "02 0000 78 70 00000001 75 72" + Text("[I") + suid +
          "02 0000 78 70 00000001 00000007",
      "76" + plain + "02 0000 78 70",
      plain + "02 0000 78 70",
      "7e" + plain + "12 0000 78 70 740003 444159",
      "73 7d 00000002" + Text("A") + Text("B") + "78 72" + Text("P") + suid + "02 0001 4c 0001 68 740001 4f 78 70 70",
  };
  for (const std::string& row : rows) {
    EXPECT_EQ(StatusBehind("Ljava/lang/Object;", row + kOne), Status::kPresent) << row;
    EXPECT_EQ(StatusBehind("Ljava/lang/Object;I", row + kOne), Status::kUndecodable) << row;
  }
}

TEST(DubboJava, WhatNobodyCanStepOverHidesWhatIsBehind) {
  const std::string plain = "72" + Text("X") + "0000000000000001";
  const std::string rows[] = {
      "79",                                          // a reset
      "7b 70",                                       // an exception while it was written
      "7702 6869",                                   // primitive data instead of an object
      "71 007e0000",                                 // a reference to what comes later
      "73" + plain + "04 0000 78 70",                // a format of its own
      "73" + plain + "00 0000 78 70",                // no way to be serialized
      "73" + plain + "02 0001 51 0001 71 78 70 00",  // no type of a field
      "75" + plain + "02 0000 78 70 00000000",       // an array whose class is none
      "75 70 00000000",                              // an array without a class
      "73 71 007e0000",                              // a class that was not described
      "73" + plain + "02 0000 7702",                 // cut
  };
  for (const std::string& row : rows) {
    EXPECT_EQ(StatusBehind("Ljava/lang/Object;", row + kOne), Status::kUndecodable) << row;
  }
}

TEST(DubboJava, CompactedStreamsDescribeClassesByNameOrInFull) {
  const std::string strings =
      Counted("2.0.2") + Counted("org.Demo") + Counted("1.0.0") + Counted("hi") + Counted("Ljava/lang/Object;") + "01";
  const std::string map = "7701 01 73 72 01" + Text("java.util.HashMap") + "7870 3f400000 0000000c 7708 00000010" +
                          "00000001 740001 61 740001 31 78";
  const auto status_of = [&](const std::string& argument) {
    const auto frame = Request("77" + Be32(strings.size() / 2).substr(6) + strings + argument + map, kCompactedJava);
    return DubboRequest(frame).Field("a").status;
  };
  EXPECT_EQ(status_of("73 72 01" + Text("java.lang.Integer") + "78 72 01" + Text("java.lang.Number") + "7870 00000007"),
            Status::kPresent);
  EXPECT_EQ(status_of("7e 72 01" + Text("X") + "78 72 01" + Text("java.lang.Enum") + "7870 740001 41"),
            Status::kPresent);
  EXPECT_EQ(status_of("75 72 00" + Text("[B") + "0000000000000001 02 0000 78 70 00000001 07"), Status::kPresent);
  EXPECT_EQ(status_of("73 72 01" + Text("X") + "7870"), Status::kUndecodable);
  EXPECT_EQ(status_of("73 72 02" + Text("java.lang.Number") + "7870"), Status::kUndecodable);
}

TEST(DubboJava, HeaderOfTheStreamIsChecked) {
  const auto frame = test::DubboFrame(kNativeJava, 1, FromHex("aced0006 7707" + Text("2.0.2")));
  EXPECT_EQ(DubboRequest(frame).Interface().status, Status::kUndecodable);
}

void ExpectUndecodableSoon(const std::string& hex) {
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(StatusBehind("Ljava/lang/Object;", hex), Status::kUndecodable);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(DubboJavaHostile, ObjectsInsideEachOtherNeedNoStack) {
  // A class whose one field is an object.
  const std::string first = "73 72" + Text("X") + "0000000000000001 02 0001 4c 0001 6e 740001 58 78 70";
  const std::string next = "73 71 007e0000";
  ExpectUndecodableSoon(first + test::Repeat(next, 1'000'000) + "70" + kOne);
  EXPECT_EQ(StatusBehind("Ljava/lang/Object;", first + test::Repeat(next, 200) + "70" + kOne), Status::kPresent);
  ExpectUndecodableSoon(test::Repeat("73", 1'000'000));
  ExpectUndecodableSoon(test::Repeat("72 0000 0000000000000001 02 0000", 300'000));
}

TEST(DubboJavaHostile, ClassDerivedFromItselfIsRefused) {
  ExpectUndecodableSoon("73 72" + Text("X") + "0000000000000001 02 0000 78 71 007e0000" + kOne);
  const std::string map =
      kHashMap.substr(0, kHashMap.find("7870")) + "78 71 007e0000 3f400000 0000000c 7708 00000010 00000000 78";
  EXPECT_EQ(StatusBehind("", map), Status::kUndecodable);
}

TEST(DubboJavaHostile, NumberOfClassesIsBounded) {
  const auto classes = [](size_t count) {
    std::string hex = "75 72" + Text("[LX;") + "0000000000000001 02 0000 78 70" + Be32(count - 2);
    for (size_t i = 2; i < count; ++i) {
      hex += "72" + Text("X" + std::to_string(i)) + "0000000000000001 02 0000 78 70";
    }
    return hex + kOne;
  };
  EXPECT_EQ(StatusBehind("Ljava/lang/Object;", classes(java::kMaxClasses)), Status::kPresent);
  EXPECT_EQ(StatusBehind("Ljava/lang/Object;", classes(java::kMaxClasses + 1)), Status::kUndecodable);
}

TEST(DubboJavaHostile, LengthsAndCountsBeyondTheBodyAreRefused) {
  for (const char* hex : {"74ffff", "7cffffffffffffffff", "7c7fffffffffffffff"}) {
    ExpectUndecodableSoon(hex + kOne);
  }
  const std::string of_bytes = "75 72" + Text("[B") + "0000000000000001 02 0000 78 70";
  ExpectUndecodableSoon(of_bytes + "ffffffff" + kOne);
  const std::string of_objects = "75 72" + Text("[LX;") + "0000000000000001 02 0000 78 70";
  ExpectUndecodableSoon(of_objects + "ffffffff" + test::Repeat("70", 3'000'000));
  EXPECT_EQ(StatusBehind("", kHashMap + "ffffffff 740001 61 740001 31 78"), Status::kUndecodable);
}

TEST(DubboJavaHostile, InstancesOfDeepClassesAreBounded) {
  // Each instance takes six bytes, and as many steps as there are classes.
  const auto instances = [](size_t count) {
    std::string hex = "75 72" + Text("[LX;") + "0000000000000001 02 0000 78 70" + Be32(count) + "73";
    for (size_t i = 1; i < java::kMaxClasses - 1; ++i) {
      hex += "72" + Text("X") + "0000000000000001 02 0000 78";
    }
    return hex + "70" + test::Repeat("73 71 007e0002", static_cast<int>(count) - 1) + kOne;
  };
  EXPECT_EQ(StatusBehind("Ljava/lang/Object;", instances(1000)), Status::kPresent);
  ExpectUndecodableSoon(instances(500'000));
}

TEST(DubboJavaHostile, NumberOfAttachmentsIsBounded) {
  for (const size_t count : {DecodedBody::kMaxAttachments, DecodedBody::kMaxAttachments + 1}) {
    std::string hex = kHashMap + Be32(count) + "740001 61 740001 31";
    for (size_t i = 1; i < count; ++i) {
      hex += "71 007e0002 71 007e0003";  // all of them references
    }
    EXPECT_EQ(StatusBehind("", hex + "78"),
              count > DecodedBody::kMaxAttachments ? Status::kUndecodable : Status::kPresent);
  }
}

}  // namespace
}  // namespace rpctee::protocol::dubbo
