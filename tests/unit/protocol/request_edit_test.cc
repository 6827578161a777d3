// What an edited request says: all that it said before, and what was added.
#include "protocol/request_edit.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "protocol/dubbo/dubbo_codec.h"
#include "protocol/dubbo/dubbo_request.h"
#include "protocol/thrift/thrift_request.h"
#include "support/dubbo_frames.h"
#include "unit/protocol/dubbo_calls.h"
#include "unit/protocol/edited.h"

namespace rpctee::protocol {
namespace {

using dubbo::DubboRequest;
using test::Appended;
using test::Frame;
using test::Hessian2;
using Status = FieldValue::Status;

const std::vector<Attachment> kMark = {{"rpctee-mirror", "node-1"}};
const std::vector<Attachment> kHard = {{"rpctee-mirror", "node-1"},
                                       {"h\"\\\xc3\xa9", test::kMixed},
                                       {"empty", ""},
                                       {"long", std::string(300, 'x')},
                                       {"longer", test::Repeat(test::kWide, 600)}};

void ExpectIsRequest(const Frame& frame) {
  const FrameHeader header = dubbo::ParseHeader(frame);
  EXPECT_EQ(header.status, FrameStatus::kFrame);
  EXPECT_EQ(header.frame_bytes, frame.size());
}

std::string Ask(const Frame& frame, const char* name) {
  DubboRequest request(frame);
  const FieldValue value = request.Field(name);
  return value.status == Status::kPresent ? std::string(value.value) : "(none)";
}

TEST(RequestEdit, TheMarkIsReadBesideAllThatTheRequestSaid) {
  test::ForEachFrame([](const Frame& frame, const test::Written& written, const test::DubboCall& call) {
    const std::optional<Frame> edited = Appended(frame, kMark);
    ASSERT_TRUE(edited);
    ExpectIsRequest(*edited);
    test::Fields fields = test::FieldsOf(written, call);
    fields["rpctee-mirror"] = "node-1";
    DubboRequest request(*edited);
    test::ExpectFields(request, fields);
    EXPECT_EQ(request.Descriptor().value, call.descriptor);
  });
}

TEST(RequestEdit, AnyTextGoesIntoAnySerialization) {
  test::ForEachFrame([](const Frame& frame, const test::Written& written, const test::DubboCall& call) {
    std::vector<Attachment> fresh = kHard;
    const test::Fields fields = test::FieldsOf(written, call);
    std::erase_if(fresh, [&](const Attachment& one) { return fields.contains(one.key); });
    const std::optional<Frame> edited = Appended(frame, fresh);
    ASSERT_TRUE(edited);
    DubboRequest request(*edited);
    for (const Attachment& one : fresh) {
      EXPECT_EQ(request.Field(one.key).value, one.value) << one.key;
    }
    test::ExpectFields(request, fields);
  });
}

// Everything but lengths and numbers of entries stands in the original, in the same order.
TEST(RequestEdit, BytesAreOnlyInserted) {
  test::ForEachFrame([](const Frame& frame, const test::Written&, const test::DubboCall&) {
    Request request(Content::kDubbo, frame);
    const Additions additions = test::MakeAdditions(kMark);
    RequestEdit edit;
    edit.Begin(Content::kDubbo, frame, request);
    ASSERT_TRUE(edit.Append(additions));
    size_t at = 0;
    size_t same = 0;
    for (const Bytes piece : edit.pieces()) {
      const bool is_of_frame = piece.data() >= frame.data() && piece.data() < frame.data() + frame.size();
      if (is_of_frame) {
        EXPECT_GE(piece.data(), frame.data() + at);
        at = static_cast<size_t>(piece.data() - frame.data()) + piece.size();
        same += piece.size();
      }
    }
    EXPECT_GE(same + 16 + 4, frame.size()) << "the header, one number, and nothing else is written anew";
  });
}

TEST(RequestEdit, OfAKeyThatIsThereTheAddedValueCounts) {
  const std::vector<Attachment> trace = {{"trace-id", "other"}};
  for (const char* name :
       {"dubbo2723/hessian2_say_hello", "dubbo3216/fastjson2_say_hello", "dubbo2723/fastjson_say_hello",
        "dubbo2723/java_say_hello", "dubbo2723/compactedjava_say_hello", "dubbo2723/nativejava_say_hello",
        "dubbo2723/native_hessian_say_hello", "dubbo2723/protobuf_json_message"}) {
    const std::optional<Frame> edited = Appended(test::RealFrame(name), trace);
    ASSERT_TRUE(edited) << name;
    EXPECT_EQ(Ask(*edited, "trace-id"), "other") << name;
  }
}

uint64_t Fnv(const Frame& frame) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const uint8_t byte : frame) {
    hash = (hash ^ byte) * 0x100000001b3;
  }
  return hash;
}

std::string Hex(uint64_t value, int digits) {
  std::string text(static_cast<size_t>(digits), '0');
  for (size_t i = text.size(); i-- > 0; value >>= 4) {
    text[i] = "0123456789abcdef"[value & 0xf];
  }
  return text;
}

// For data/make/read_edited.sh, where it asks for them.
void WriteIfAsked(const std::string& name, const Frame& frame) {
  const char* const directory = std::getenv("RPCTEE_WRITE_EDITED");
  if (directory == nullptr) {
    return;
  }
  const std::filesystem::path path = std::filesystem::path(directory) / (name + ".hex");
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path);
  for (const uint8_t byte : frame) {
    file << Hex(byte, 2);
  }
}

// Apache Dubbo has decoded exactly these bytes: the strings, arguments and attachments of the original, and the new
// value.
TEST(RequestEdit, DubboItselfReadsWhatWasEdited) {
  std::ifstream file(test::SourceDir() + "/tests/unit/protocol/data/read_by_dubbo.txt");
  std::set<std::string> read;
  for (std::string line; std::getline(file, line);) {
    read.insert(line);
  }
  size_t edits = 0;
  const auto expect = [&](const std::string& name, const std::string& edit, const std::optional<Frame>& edited) {
    if (edited) {
      WriteIfAsked(name + "." + edit, *edited);
      EXPECT_TRUE(read.contains(name + " " + edit + " " + Hex(Fnv(*edited), 16) + " same")) << name << " " << edit;
      ++edits;
    }
  };
  for (const test::Written& written : test::Serializations()) {
    for (const std::string& call : written.calls) {
      const std::string name = written.serialization + call;
      const Frame frame = test::RealFrame(name);
      expect(name, "mark", Appended(frame, kMark));
      expect(name, "again", Appended(frame, {{"path", "other"}}));
    }
  }
  EXPECT_EQ(edits + 1, read.size()) << "and the line that says where they come from";
}

TEST(RequestEdit, GsonRefusesAKeyTwiceSoItIsNotAddedThere) {
  const Frame frame = test::RealFrame("dubbo2723/gson_say_hello");
  EXPECT_FALSE(Appended(frame, {{"trace-id", "other"}}));
  EXPECT_FALSE(Appended(frame, {{"fresh", "1"}, {"path", "other"}}));
  EXPECT_TRUE(Appended(frame, {{"fresh", "1"}}));
}

TEST(RequestEdit, Hessian2WithoutAMapGetsOne) {
  for (const char* tail : {"", "4e", "485a", "4d 05 6a2e4d6170 5a", "4d 05 6a2e4d6170 0161 0162 5a"}) {
    const Frame frame = Hessian2().Prefix("hi", "I").Raw("91").Raw(tail).Request();
    const std::optional<Frame> edited = Appended(frame, kMark);
    ASSERT_TRUE(edited) << tail;
    ExpectIsRequest(*edited);
    EXPECT_EQ(Ask(*edited, "rpctee-mirror"), "node-1") << tail;
    EXPECT_EQ(Ask(*edited, "method"), "hi") << tail;
  }
}

TEST(RequestEdit, DubboxBodiesHaveTheirMapBehindTheSameArguments) {
  const Hessian2 strings = Hessian2().String("2.8.4").String("org.Demo").String("1.0.0").String("hi");
  for (const Frame& frame : {Hessian2(strings).Raw("8f").String("I").Raw("91 48 0161 0162 5a").Request(),
                             Hessian2(strings).Raw("91").Raw("91 48 0161 0162 5a").Request()}) {
    const std::optional<Frame> edited = Appended(frame, kMark);
    ASSERT_TRUE(edited);
    EXPECT_EQ(Ask(*edited, "rpctee-mirror"), "node-1");
    EXPECT_EQ(Ask(*edited, "a"), "b");
  }
}

TEST(RequestEdit, JsonWithoutAMapGetsOne) {
  const auto request = [](const std::string& line, uint8_t flags) {
    const std::string body = "\"2.0.2\"\n\"org.Demo\"\n\"1\"\n\"hi\"\n\"\"\n" + line + "\n";
    return test::DubboFrame(flags, 1, {reinterpret_cast<const uint8_t*>(body.data()), body.size()});
  };
  for (const char* line : {"null", "{}", " { } \r", R"({"a":"b"})", R"({"a":{"x":[1]}} )"}) {
    const std::optional<Frame> edited = Appended(request(line, 0xc6), kMark);
    ASSERT_TRUE(edited) << line;
    EXPECT_EQ(Ask(*edited, "rpctee-mirror"), "node-1") << line;
  }
  for (const char* line : {"{}", R"({"attachments":{}})", R"({"attachments":{"a":"b"}})"}) {
    const std::optional<Frame> edited = Appended(request(line, 0xd5), kMark);
    ASSERT_TRUE(edited) << line;
    EXPECT_EQ(Ask(*edited, "rpctee-mirror"), "node-1") << line;
  }
  EXPECT_FALSE(Appended(request("null", 0xd5), kMark)) << "a message that is null has no form with members";
}

TEST(RequestEdit, Fastjson2WithoutAMapGetsOne) {
  for (const char* object : {"00000001 af", "00000002 a6a5", "00000006 a6 4a61 4a62 a5"}) {
    const Frame frame = Hessian2()
                            .Raw("00000002 4a32 00000002 4a49 00000002 4a31 00000003 4b6869 00000001 49")
                            .Raw(object)
                            .Request(0xd7);
    const std::optional<Frame> edited = Appended(frame, kMark);
    ASSERT_TRUE(edited) << object;
    EXPECT_EQ(Ask(*edited, "rpctee-mirror"), "node-1") << object;
    EXPECT_EQ(Ask(*edited, "method"), "hi") << object;
  }
}

TEST(RequestEdit, WhatCannotBeReadIsLeftAlone) {
  Frame frame = test::RealFrame("dubbo2723/hessian2_say_hello");
  for (const int serialization : {1, 5, 8, 9, 11, 12, 22, 25, 31}) {
    frame[2] = static_cast<uint8_t>(0xc0 | serialization);
    EXPECT_FALSE(Appended(frame, kMark)) << serialization;
  }
  EXPECT_FALSE(Appended(Hessian2().Prefix("hi", "I").Raw("ff").Request(), kMark)) << "an unknown type byte";
  EXPECT_FALSE(Appended(Hessian2().Prefix("hi", "I").Raw("91 48 0161").Request(), kMark)) << "a map without an end";
  EXPECT_FALSE(Appended(Hessian2().Prefix("hi", "I").Raw("91 5190").Request(), kMark))
      << "a map that is one of the arguments";
}

TEST(RequestEdit, ALongRequestIsLeftAlone) {
  Hessian2 message = Hessian2().Prefix("hi", "[B");
  for (size_t i = 0; i < 300; ++i) {
    message.Raw("41 ffff").Byte(1, 65535);
  }
  const Frame frame = message.Raw("20 48 5a").Request();
  ASSERT_GT(frame.size(), RequestEdit::kMaxFrameBytes);
  ASSERT_EQ(Ask(frame, "group"), "(none)");
  EXPECT_FALSE(Appended(frame, kMark));
}

TEST(RequestEdit, TheCopyCanAskForNoAnswer) {
  const Frame frame = test::RealFrame("dubbo2723/hessian2_say_hello");
  Request request(Content::kDubbo, frame);
  const Additions additions = test::MakeAdditions(kMark);
  RequestEdit edit;
  edit.Begin(Content::kDubbo, frame, request);
  EXPECT_TRUE(edit.MakeOneway());
  EXPECT_TRUE(edit.Append(additions));
  const Frame edited = test::Joined(edit);
  EXPECT_EQ(dubbo::ParseHeader(edited).kind, MessageKind::kOneway);
  EXPECT_EQ(Ask(edited, "rpctee-mirror"), "node-1");
}

std::string AskThrift(const Frame& frame, const char* name) {
  thrift::ThriftRequest request(frame);
  const FieldValue value = request.Field(name);
  return value.status == Status::kPresent ? std::string(value.value) : "(none)";
}

TEST(RequestEdit, AThriftHeaderTakesPairsAndTheMessageStays) {
  for (const char* name : {"thrift_header_binary", "thrift_header_kv", "thrift_header_zlib"}) {
    const Frame frame = test::RealFrame(name);
    for (size_t length = 0; length < 5; ++length) {  // every padding
      const std::string value(length, 'v');
      const std::optional<Frame> edited = Appended(frame, {{"rpctee-mirror", value}}, Content::kThriftFramed);
      ASSERT_TRUE(edited) << name;
      EXPECT_EQ(AskThrift(*edited, "rpctee-mirror"), value) << name;
      EXPECT_EQ(AskThrift(*edited, "method"), AskThrift(frame, "method")) << name;
      const thrift::Envelope before = thrift::OpenEnvelope(frame);
      const thrift::Envelope after = thrift::OpenEnvelope(*edited);
      EXPECT_EQ(after.frame_bytes, edited->size()) << name;
      EXPECT_EQ(Frame(frame.begin() + static_cast<std::ptrdiff_t>(before.transport.message_at), frame.end()),
                Frame(edited->begin() + static_cast<std::ptrdiff_t>(after.transport.message_at), edited->end()))
          << name;
    }
  }
}

TEST(RequestEdit, ThriftWithoutAHeaderIsLeftAlone) {
  for (const char* name : {"thrift_binary_mux", "thrift_compact_add", "thrift_unframed_binary"}) {
    EXPECT_FALSE(Appended(test::RealFrame(name), kMark, Content::kThriftFramed)) << name;
  }
  const Frame frame = test::RealFrame("thrift_binary_mux");
  Request request(Content::kThriftFramed, frame);
  RequestEdit edit;
  edit.Begin(Content::kThriftFramed, frame, request);
  EXPECT_FALSE(edit.MakeOneway());
  EXPECT_EQ(test::Joined(edit), frame);
}

}  // namespace
}  // namespace rpctee::protocol
