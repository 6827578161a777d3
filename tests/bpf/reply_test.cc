// What the program for answers makes of them: which sampled request each answers, how it ended, what it passes over.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpf/tap_program.h"
#include "support/dubbo_frames.h"
#include "support/packet_builder.h"
#include "support/thrift_frames.h"

namespace rpctee::test {

namespace {

using testing::Contains;
using testing::Key;
using testing::Not;
using testing::Pair;

// What the program counted of an endpoint.
struct Tally {
  uint64_t asked = 0;
  uint64_t ok = 0;
  uint64_t exception = 0;
  uint64_t error = 0;
  uint64_t unframed_bytes = 0;

  bool operator==(const Tally&) const = default;
};

void PrintTo(const Tally& tally, std::ostream* out) {
  *out << "asked " << tally.asked << " ok " << tally.ok << " exception " << tally.exception << " error " << tally.error
       << " unframed_bytes " << tally.unframed_bytes;
}

using Counts = std::map<std::string, uint64_t>;

constexpr std::string_view kConsumer = "10.0.0.1:40000";
constexpr std::string_view kEndpoint = "10.0.0.2:20880";
constexpr uint8_t kOk = 20;
constexpr uint8_t kTimedOut = 31;
constexpr uint8_t kServiceError = 70;
// How a Hessian2 answer's body begins.
constexpr uint8_t kException = 0x90;
constexpr uint8_t kValue = 0x91;
constexpr uint8_t kNull = 0x92;
constexpr uint8_t kExceptionWithAttachments = 0x93;

ByteVector Answer(uint64_t id, uint8_t tag = kValue, size_t body_bytes = 50, uint8_t status = kOk) {
  ByteVector body(body_bytes, 'x');
  body.at(0) = tag;
  ByteVector frame = DubboFrame(kDubboAnswer, id, body);
  frame.at(3) = status;
  return frame;
}

class ReplyTest : public TapProgramTest {
 protected:
  void SetUp() override {
    if (const std::string reason = WhyNoTapBackend(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    tap_ = std::make_unique<TapProgram>(TapProgramOptions{.replies = true});
    ASSERT_EQ(tap_->error(), "");
    tap_->Endpoint(kEndpoint);
    Connect(kConsumer, kEndpoint);
  }

  // The consumer sends these, one packet each.
  void Ask(const std::vector<ByteVector>& requests) {
    for (const ByteVector& request : requests) {
      tap_->Pass({TcpPacket(kConsumer, kEndpoint).Seq(ask_seq_).Payload(request).Build()});
      ask_seq_ += static_cast<uint32_t>(request.size());
    }
  }
  void AskDubbo(uint64_t first, uint64_t last) {
    for (uint64_t id = first; id <= last; ++id) {
      Ask({DubboRequest(id, 300)});
    }
  }
  static ByteVector From(uint32_t seq, Bytes payload) {
    return TcpPacket(kEndpoint, kConsumer).Seq(seq).Payload(payload).Build();
  }
  // The endpoint sends this in packets of `bytes` at most.
  void Reply(const ByteVector& stream, size_t bytes = SIZE_MAX) {
    for (size_t at = 0; at < stream.size(); at += std::min(bytes, stream.size() - at)) {
      const ByteVector piece = Slice(stream, at, bytes == SIZE_MAX ? bytes : at + bytes);
      tap_->PassAnswers({From(reply_seq_, piece)});
      reply_seq_ += static_cast<uint32_t>(piece.size());
    }
  }
  Tally Replies() const {
    const rpctee_replies replies = tap_->Replies(kEndpoint);
    return {replies.asked, replies.ok, replies.exception, replies.error, replies.unframed_bytes};
  }

  uint32_t ask_seq_ = 1;
  uint32_t reply_seq_ = 1;
};

TEST_F(ReplyTest, EachAnswerIsMatchedWithItsRequestWhateverTheOrder) {
  AskDubbo(1, 3);
  EXPECT_EQ(Replies(), (Tally{.asked = 3}));
  Reply(Answer(3));
  Reply(Answer(1, kNull, 1));
  EXPECT_EQ(Replies(), (Tally{.asked = 3, .ok = 2}));
  EXPECT_EQ(tap_->Latencies(kEndpoint), 2U);
  EXPECT_THAT(tap_->Counted(), Contains(Pair("replies", 2)));
}

TEST_F(ReplyTest, AnswersAreCountedByHowTheyEnded) {
  AskDubbo(1, 6);
  Reply(Join({Answer(1, kValue), Answer(2, kException), Answer(3, kExceptionWithAttachments, 1)}));
  Reply(Join({Answer(4, 'x', 20, kTimedOut), Answer(5, 'x', 1, kServiceError), Answer(6, kNull, 1)}));
  EXPECT_EQ(Replies(), (Tally{.asked = 6, .ok = 2, .exception = 2, .error = 2}));
}

TEST_F(ReplyTest, AnExceptionIsToldAsTheSerializationWritesIt) {
  const ByteVector in_java = {0xac, 0xed, 0, 5, 0x77, 1, 3};
  const ByteVector in_fastjson2 = {0, 0, 0, 2, 0xbd, 0};
  struct Row {
    uint8_t serialization;
    ByteVector body;
    bool is_exception;
  };
  const std::vector<Row> rows = {{6, {'0', '\n'}, true},  {6, {'1', '\n'}, false}, {16, {'3', '\n'}, true},
                                 {8, {0}, true},          {25, {1}, false},        {9, {3}, true},
                                 {11, {0}, true},         {27, {0}, true},         {12, {4}, false},
                                 {21, {'0', '\n'}, true}, {10, {0x93}, true},      {3, in_java, true},
                                 {7, in_java, true},      {4, in_java, true},      {23, in_fastjson2, true},
                                 {22, {0x90}, false},     {23, {0, 0}, false}};
  AskDubbo(0, rows.size());
  Reply(Answer(0));
  uint64_t exceptions = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    ByteVector answer = DubboFrame(rows[i].serialization, i + 1, rows[i].body);
    answer.at(3) = kOk;
    Reply(answer, i % 2 == 0 ? SIZE_MAX : 5);
    exceptions += rows[i].is_exception ? 1 : 0;
    EXPECT_EQ(Replies().exception, exceptions) << "serialization " << int{rows[i].serialization};
  }
  EXPECT_EQ(Replies().ok, rows.size() + 1 - exceptions);
}

TEST_F(ReplyTest, PacketBoundariesMayStandAnywhereBehindTheFirstHeader) {
  AskDubbo(0, 40);
  const ByteVector stream = Join({Answer(1, kException), Answer(2, kValue, 3000), Answer(3, kException, 1), Answer(4)});
  for (size_t bytes = 1; bytes < 120; ++bytes) {
    tap_->Forget();
    Connect(kConsumer, kEndpoint, ask_seq_);
    const Tally before = Replies();
    AskDubbo(0, 4);
    Reply(Answer(0));
    Reply(stream, bytes);
    const Tally after = Replies();
    EXPECT_EQ(after.ok - before.ok, 3U) << bytes;
    EXPECT_EQ(after.exception - before.exception, 2U) << bytes;
    EXPECT_EQ(after.unframed_bytes, before.unframed_bytes) << bytes;
  }
}

TEST_F(ReplyTest, LatencyIsTheTimeFromTheRequestsHeaderToTheAnswers) {
  AskDubbo(1, 1);
  Reply(Answer(1));
  for (uint32_t bucket = rpctee_latency_bucket(10'000'000'000); bucket < RPCTEE_LATENCY_BUCKETS; ++bucket) {
    EXPECT_EQ(tap_->Latencies(kEndpoint, bucket), 0U) << "no test takes ten seconds";
  }
  EXPECT_EQ(tap_->Latencies(kEndpoint), 1U);
}

TEST_F(ReplyTest, AnAnswerThatIsSentAgainCountsOnce) {
  AskDubbo(1, 2);
  const ByteVector answer = Answer(1);
  tap_->PassAnswers({From(1, answer), From(1, answer), From(1, Join({answer, Answer(2)}))});
  EXPECT_EQ(Replies(), (Tally{.asked = 2, .ok = 2}));
}

TEST_F(ReplyTest, BehindAHoleCountingGoesOnWhereAPacketStartsWithAnAnswer) {
  AskDubbo(1, 6);
  Reply(Answer(1));
  reply_seq_ += 66;  // the answer to 2
  Reply(Slice(Answer(3, kValue, 400), 100));
  Reply(Answer(4));
  Reply(Answer(5));
  EXPECT_EQ(Replies(), (Tally{.asked = 6, .ok = 3, .unframed_bytes = 316}));
  EXPECT_THAT(tap_->Counted(), Contains(Pair("reply_gaps", 1)));
}

TEST_F(ReplyTest, WhereNoHeaderStandsThePlaceIsLostAndFoundAgain) {
  AskDubbo(1, 2);
  Reply(Join({Answer(1), ByteVector(30, 0)}));
  Reply(Answer(2));
  EXPECT_EQ(Replies().ok, 2U);
  EXPECT_THAT(tap_->Counted(), Contains(Pair("reply_lost_sync", 1)));
}

TEST_F(ReplyTest, AnAnswerWhoseOutcomeWasLostIsAnAnswer) {
  AskDubbo(1, 2);
  Reply(Slice(Answer(1, kException), 0, 16));
  reply_seq_ += 50;
  Reply(Answer(2));
  EXPECT_EQ(Replies(), (Tally{.asked = 2, .ok = 2}));
}

TEST_F(ReplyTest, HeartbeatsEventsAndRequestsOfTheEndpointAreNoAnswers) {
  AskDubbo(7, 7);
  ByteVector heartbeat_answer = DubboFrame(0x22, 7, ByteVector{'N'});
  heartbeat_answer.at(3) = kOk;
  Reply(Answer(1));
  Reply(Join({heartbeat_answer, DubboReadonly(7), DubboHeartbeat(7), DubboRequest(7, 300), Answer(7)}));
  EXPECT_EQ(Replies(), (Tally{.asked = 1, .ok = 1}));
  EXPECT_THAT(tap_->Counted(), Contains(Pair("replies", 2)));
}

TEST_F(ReplyTest, OneWayRequestsAndHeartbeatsWaitForNothing) {
  Ask({DubboRequest(1, 300, kDubboOneWay), DubboHeartbeat(2), DubboRequest(3, 300)});
  EXPECT_EQ(Replies(), (Tally{.asked = 1}));
}

TEST_F(ReplyTest, OnlySampledRequestsWait) {
  tap_->Endpoint(kEndpoint, 0);
  AskDubbo(1, 5);
  Reply(Answer(1));
  EXPECT_EQ(Replies(), Tally{});
  EXPECT_THAT(tap_->Counted(), Contains(Pair("replies", 1)));
}

TEST_F(ReplyTest, ARequestWhoseHeaderWasCutWaitsToo) {
  const ByteVector request = DubboRequest(1, 300);
  Ask({Join({DubboRequest(2, 300), Slice(request, 0, 9)}), Slice(request, 9)});
  Reply(Join({Answer(1), Answer(2)}));
  EXPECT_EQ(Replies(), (Tally{.asked = 2, .ok = 2}));
}

TEST_F(ReplyTest, AnswersOfAnotherConnectionWithTheSameIdsAreNotMixedUp) {
  AskDubbo(1, 1);
  Connect("10.0.0.1:40001", kEndpoint);
  tap_->Pass({TcpPacket("10.0.0.1:40001", kEndpoint).Payload(DubboRequest(9, 300)).Build()});
  tap_->PassAnswers({TcpPacket(kEndpoint, "10.0.0.1:40001").Payload(Answer(1)).Build()});
  EXPECT_EQ(Replies(), (Tally{.asked = 2}));
}

TEST_F(ReplyTest, AConnectionWhoseRequestsWereNotSeenIsPassedOver) {
  tap_->PassAnswers({TcpPacket(kEndpoint, "10.0.0.9:1").Payload(Answer(1)).Build()});
  EXPECT_EQ(Replies(), Tally{});
  EXPECT_EQ(tap_->Counted(), (Counts{{"reply_packets", 1}, {"reply_no_flow", 1}}));
}

TEST_F(ReplyTest, APacketThatIsPassedOverIsCountedByItsReason) {
  AskDubbo(1, 1);
  tap_->Counted();
  struct Row {
    const char* reason;
    ByteVector packet;
  };
  const std::vector<Row> rows = {
      {"reply_not_endpoint", TcpPacket("10.0.0.2:20881", kConsumer).Payload(Answer(1)).Build()},
      {"reply_not_endpoint", TcpPacket(kEndpoint, kConsumer).Protocol(17).Payload(Answer(1)).Build()},
      {"reply_no_payload", TcpPacket(kEndpoint, kConsumer).Flags(kSyn | kAck).Build()},
      {"reply_no_payload", TcpPacket(kEndpoint, kConsumer).Build()},
      {"reply_no_payload", TcpPacket(kEndpoint, kConsumer).Flags(kRst).Payload(Answer(1)).Build()},
  };
  for (const Row& row : rows) {
    tap_->PassAnswers({row.packet});
    EXPECT_EQ(tap_->Counted(), (Counts{{row.reason, 1}})) << &row - rows.data();
  }
}

TEST_F(ReplyTest, PacketsOfOthersAreNotLookedAt) {
  AskDubbo(1, 1);
  tap_->Counted();
  tap_->PassAnswers({TcpPacket("10.0.0.2:20881", kConsumer).Payload(Answer(1)).Build(),
                     TcpPacket("10.0.0.3:20880", kConsumer).Payload(Answer(1)).Build(),
                     TcpPacket(kConsumer, kEndpoint).Payload(Answer(1)).Build()});
  EXPECT_THAT(tap_->Counted(), Not(Contains(Key("replies"))));
  EXPECT_EQ(Replies(), (Tally{.asked = 1}));
}

TEST_F(ReplyTest, WithoutASignOfLifeNothingIsCounted) {
  AskDubbo(1, 2);
  tap_->Heartbeat(1);
  Reply(Answer(1));
  tap_->Heartbeat(0);
  Reply(Answer(2));
  EXPECT_EQ(Replies(), (Tally{.asked = 2}));
  EXPECT_THAT(tap_->Counted(), Contains(Pair("reply_stale", 2)));
}

TEST_F(ReplyTest, ANewConnectionOfTheSamePortsStartsAnew) {
  AskDubbo(1, 2);
  Reply(Slice(Answer(1, kValue, 100), 0, 40));
  tap_->PassAnswers({TcpPacket(kEndpoint, kConsumer).Seq(5000).Flags(kSyn | kAck).Build()});
  reply_seq_ = 5001;
  Reply(Answer(2));
  EXPECT_EQ(Replies().ok, 2U);
  EXPECT_THAT(tap_->Counted(), Not(Contains(Key("reply_gaps"))));
}

// A reply: the message of a call with another type, and a struct behind it that begins with this field.
ByteVector ThriftReply(ByteVector message, size_t type_at, uint8_t type, size_t head_bytes, const ByteVector& field) {
  message.resize(head_bytes);
  message.at(type_at) = type;
  return ThriftFrame(Join({message, field, ByteVector(20, 0)}));
}

TEST_F(ReplyTest, ThriftBinaryIsMatchedBySequenceId) {
  const auto call = [](uint32_t id) { return ThriftBinary(id, "echo", ByteVector(10, 'a')); };
  Ask({ThriftFrame(call(1)), ThriftFrame(call(2)), ThriftFrame(call(3)), ThriftFrame(call(4))});
  const ByteVector success = {11, 0, 0};
  const ByteVector declared = {12, 0, 1};
  Reply(ThriftReply(call(2), 3, 2, 16, success));
  Reply(ThriftReply(call(1), 3, 2, 16, declared));
  Reply(Join({ThriftReply(call(4), 3, 3, 16, {11, 0, 1}), ThriftReply(call(3), 3, 2, 16, {0})}));
  EXPECT_EQ(Replies(), (Tally{.asked = 4, .ok = 2, .exception = 1, .error = 1}));
}

TEST_F(ReplyTest, AThriftMessageMayComeBehindThePacketWithItsLength) {
  const ByteVector call = ThriftBinary(6, "echo", ByteVector(10, 'a'));
  Ask({ThriftFrame(call), ThriftFrame(ThriftBinary(7, "echo", ByteVector(10, 'a')))});
  const ByteVector first = ThriftReply(ThriftBinary(7, "echo", {}), 3, 2, 16, {0});
  const ByteVector second = ThriftReply(call, 3, 2, 16, {11, 0, 0});
  Reply(Join({first, Slice(second, 0, 4)}));
  Reply(Slice(second, 4));
  EXPECT_EQ(Replies(), (Tally{.asked = 2, .ok = 2}));
}

TEST_F(ReplyTest, ThriftCompactIsMatchedBySequenceId) {
  const auto call = [](uint32_t id) { return ThriftCompact(id, "echo", ByteVector(10, 'a')); };
  Ask({ThriftFrame(call(1)), ThriftFrame(call(300)), ThriftFrame(call(0xffffffff))});
  Reply(ThriftReply(call(300), 1, 2 << 5 | 1, 9, {0x18}));
  Reply(ThriftReply(call(0xffffffff), 1, 3 << 5 | 1, 12, {0x18}));
  Reply(ThriftReply(call(1), 1, 2 << 5 | 1, 8, {0x08, 0x00}));
  EXPECT_EQ(Replies(), (Tally{.asked = 3, .ok = 1, .exception = 1, .error = 1}));
}

TEST_F(ReplyTest, ThriftOfTheFirstKindIsMatchedToo) {
  const ByteVector call = ThriftOldBinary(5, "echo", ByteVector(10, 'a'));
  Ask({ThriftFrame(call)});
  Reply(ThriftReply(call, 8, 2, 13, {11, 0, 0}));
  EXPECT_EQ(Replies(), (Tally{.asked = 1, .ok = 1}));
}

TEST_F(ReplyTest, THeaderIsMatchedByItsOwnSequenceId) {
  const ByteVector call = ThriftBinary(0, "echo", ByteVector(10, 'a'));
  ByteVector reply = ThriftBinary(0, "echo", ByteVector(10, 'a'));
  reply.at(3) = 2;
  reply.at(16) = 12;
  reply.at(18) = 1;
  Ask({ThriftFrame(ThriftHeader(7, call)), ThriftFrame(ThriftHeader(8, call))});
  Reply(ThriftFrame(ThriftHeader(8, reply)));
  EXPECT_EQ(Replies(), (Tally{.asked = 2, .exception = 1}));
}

TEST_F(ReplyTest, OneWayThriftWaitsForNothing) {
  ByteVector call = ThriftBinary(1, "echo", ByteVector(10, 'a'));
  call.at(3) = 4;
  Ask({ThriftFrame(call)});
  EXPECT_EQ(Replies(), Tally{});
}

TEST_F(TapProgramTest, WithoutRepliesNobodyWaits) {
  tap_->Pass({TcpPacket(kConsumer, kEndpoint).Payload(DubboRequest(1, 300)).Build()});
  EXPECT_EQ(tap_->Replies(kEndpoint).asked, 0U);
}

}  // namespace
}  // namespace rpctee::test
