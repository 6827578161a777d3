#include "protocol/recognise.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "unit/protocol/vectors.h"

namespace rpctee::protocol {
namespace {

using test::FromHex;

struct Start {
  const char* name;
  Content content;
  std::vector<uint8_t> bytes;
};

std::vector<uint8_t> Text(std::string_view text) { return {text.begin(), text.end()}; }

// Starts of real connections, each as long as a strict test may want.
std::vector<Start> Starts() {
  return {
      {"Dubbo", Content::kDubbo, FromHex("dabbc200 0000000000000001 000000f0 05322e302e32 1e6f72672e")},
      {"Dubbo one-way", Content::kDubbo, FromHex("dabb8200 0000000000000001 000000f0 05322e302e32 1e6f72672e")},
      {"Dubbo heartbeat", Content::kDubbo, FromHex("dabbe200 0000000000000001 00000001 4e dabbc200 00000000")},
      {"Thrift framed, binary", Content::kThriftFramed,
       FromHex("0000001e 80010001 00000008 736179 48656c6c6f 00000000")},
      {"Thrift framed, not strict", Content::kThriftFramed,
       FromHex("00000020 00000008 73617948656c6c6f 01 00000000 0b0001")},
      {"Thrift framed, compact", Content::kThriftFramed,
       FromHex("0000001e 8221 00 08 73617948656c6c6f 18 05 776f726c64")},
      {"THeader", Content::kThriftFramed, FromHex("00000050 0fff 0000 00000000 0001 00 00 00 00 80010001 00000008")},
      {"Thrift, binary", Content::kThriftUnframed, FromHex("80010001 00000008 73617948656c6c6f 00000000 0b0001")},
      {"Thrift, compact", Content::kThriftUnframed, FromHex("8221 00 08 73617948656c6c6f 18 05 776f726c64 00 00 00")},
      {"TLS", Content::kTls, FromHex("16030100c8010000c40303000102030405060708090a")},
      {"HTTP/1", Content::kHttp1, Text("GET / HTTP/1.1\r\nHost: a\r\n")},
      {"HTTP/2", Content::kHttp2, Text("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
      {"telnet", Content::kTelnet, Text("ls\r\n")},
      {"something else", Content::kOther, FromHex("0102030405060708090a0b0c0d0e0f1011121314")},
  };
}

TEST(Recognise, ALengthOf256MebibytesIsBelievedAndAByteMoreIsNot) {
  const std::string dubbo = "dabbc200 0000000000000001 ";
  EXPECT_EQ(Recognise(FromHex(dubbo + "10000000 05322e302e32")), Content::kDubbo);
  EXPECT_EQ(Recognise(FromHex(dubbo + "10000001 05322e302e32")), Content::kOther);
  const std::string thrift = " 80010001 00000008 73617948656c6c6f 00000000";
  EXPECT_EQ(Recognise(FromHex("10000000" + thrift)), Content::kThriftFramed);
  EXPECT_EQ(Recognise(FromHex("10000001" + thrift)), Content::kOther);
}

TEST(Recognise, EachKindOfConnectionByItsFirstBytes) {
  for (const Start& start : Starts()) {
    EXPECT_EQ(Recognise(start.bytes), start.content) << start.name;
  }
}

TEST(Recognise, APrefixSaysTheSameOrThatItIsTooShort) {
  for (const Start& start : Starts()) {
    bool known = false;
    for (size_t bytes = 0; bytes <= start.bytes.size(); ++bytes) {
      const Content content = Recognise(Bytes(start.bytes).first(bytes));
      EXPECT_TRUE(content == start.content || (content == Content::kUnknown && !known)) << start.name << ", " << bytes;
      known = content != Content::kUnknown;
    }
  }
}

TEST(Recognise, LooksAtNoMoreThanItNeeds) {
  std::vector<uint8_t> first = FromHex("dabbc200 0000000000000001 000000f0 05322e302e32 1e6f72672e");
  first.resize(100'000, 0xff);
  EXPECT_EQ(Recognise(first), Content::kDubbo);
}

TEST(RequestAt, OnlyWhatIsMirroredIsARequest) {
  for (const Start& start : Starts()) {
    const bool is_mirrored = start.content <= Content::kThriftUnframed;
    EXPECT_EQ(RequestAt(start.bytes), is_mirrored ? start.content : Content::kUnknown) << start.name;
  }
}

TEST(RequestAt, EveryByteThatTheStrictTestLooksAtCounts) {
  const std::vector<uint8_t> request = FromHex("dabbc200 0000000000000001 000000f0 05322e302e32 1e6f");
  // Byte, and what no request has there.
  const std::pair<size_t, uint8_t> wrong[] = {{0, 0xdb},  {1, 0xba}, {2, 0x42},  {2, 0xc0}, {3, 20},
                                              {12, 0x7f}, {16, 0},   {16, 0x20}, {17, 'v'}, {18, '-'}};
  for (const auto& [at, value] : wrong) {
    std::vector<uint8_t> other = request;
    other[at] = value;
    EXPECT_EQ(RequestAt(other), Content::kUnknown) << "byte " << at;
  }
}

// Thrift that is not strict begins with the name's length: the last byte of a body and the next frame's length look
// alike.
TEST(RequestAt, BehindAShortNameACallMustStand) {
  for (const std::string head :
       {"0000002000000001 61 ", "0000002000000003 616263 ", "0000002000000007 61626364656667 "}) {
    EXPECT_EQ(RequestAt(FromHex(head + "01 00000000 0b0001 00000000 00")), Content::kThriftFramed) << head;
    EXPECT_EQ(RequestAt(FromHex(head + "04 00000000 0b0001 00000000 00")), Content::kThriftFramed) << head;
    for (const std::string no_call : {"00", "02", "03", "05", "82", "80", "0f"}) {
      EXPECT_EQ(RequestAt(FromHex(head + no_call + "00000000 0b0001 00000000 00")), Content::kUnknown)
          << head << no_call;
    }
  }
  for (const std::string next :
       {"8221 fd0c08736179", "80010001 00000008 73", "0fff0000 33aa0a37", "00000008 73617948"}) {
    EXPECT_EQ(RequestAt(FromHex("0639821c 00 00000127" + next + "000000000000")), Content::kUnknown) << next;
  }
}

TEST(StartsRequest, IsAQuestionAboutOneProtocol) {
  for (const Start& start : Starts()) {
    for (const Content protocol : {Content::kDubbo, Content::kThriftFramed, Content::kThriftUnframed}) {
      EXPECT_EQ(StartsRequest(protocol, start.bytes), start.content == protocol) << start.name;
    }
    EXPECT_FALSE(StartsRequest(Content::kUnknown, start.bytes));
    EXPECT_FALSE(StartsRequest(Content::kTls, start.bytes));
  }
}

TEST(StartsFrame, TakesWhateverADubboClientSendsBehindARequest) {
  const char* const frames[] = {
      "dabbc2000000000000000001000000f0",  // a request
      "dabb82000000000000000001000000f0",  // one-way
      "dabbe200000000000000000100000001",  // a heartbeat
      "dabb2214000000000000000100000001",  // the answer to one
      "dabb02140000000000000001000000f0",  // an answer
      "dabb0214000000000000000100000000",  // an answer without a body
  };
  for (const char* frame : frames) {
    EXPECT_TRUE(StartsFrame(Content::kDubbo, FromHex(frame))) << frame;
    EXPECT_FALSE(StartsFrame(Content::kThriftFramed, FromHex(frame))) << frame;
  }
}

// Extensions and users choose numbers of their own.
TEST(StartsFrame, TakesEverySerializationThatHasANumber) {
  for (uint8_t serialization = 1; serialization < 32; ++serialization) {
    auto frame = FromHex("dabbc0000000000000000001000000f005322e302e32");
    frame[2] |= serialization;
    EXPECT_TRUE(StartsFrame(Content::kDubbo, frame)) << int{serialization};
    EXPECT_EQ(Recognise(frame), Content::kDubbo) << int{serialization};
    EXPECT_EQ(RequestAt(frame), Content::kDubbo) << int{serialization};
  }
}

TEST(StartsFrame, TakesNothingElse) {
  const char* const others[] = {
      "dabac2000000000000000001000000f0",  // another magic
      "dabbc0000000000000000001000000f0",  // no serialization
      "dabbc2140000000000000001000000f0",  // a request with a status
      "dabb42140000000000000001000000f0",  // an answer that asks for one
      "dabbe2000000000000000001000000f0",  // an event with a long body
      "dabbc2000000000000000001f0000000",  // a negative length
      "dabbc2000000000000000001200000f0",  // a length that no honest frame has
      "dabbc2000000000000000001000000",    // too short to say
  };
  for (const char* other : others) {
    EXPECT_FALSE(StartsFrame(Content::kDubbo, FromHex(other))) << other;
  }
}

TEST(StartsFrame, InThriftEveryFrameIsARequest) {
  for (const Start& start : Starts()) {
    EXPECT_EQ(StartsFrame(Content::kThriftFramed, start.bytes), start.content == Content::kThriftFramed) << start.name;
  }
}

}  // namespace
}  // namespace rpctee::protocol
