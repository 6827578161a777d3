#include "mirror/reply_reader.h"

#include <gtest/gtest.h>

#include <random>

#include "frames.h"

namespace rpctee::mirror {
namespace {

using protocol::MessageKind;

struct Seen {
  MessageKind kind;
  uint64_t id;
  uint8_t status;
  ByteVector body;
  bool operator==(const Seen&) const = default;
};

class Recorder final : public ReplySink {
 public:
  void OnAnswer(const Answer& answer) override {
    seen.push_back({MessageKind::kResponse, answer.id, answer.status, {}});
  }
  void OnMessage(const protocol::FrameHeader& header, Bytes body) override {
    seen.push_back({header.kind, header.id, header.reply_status, {body.begin(), body.end()}});
  }
  std::vector<Seen> seen;
};

ByteVector Stream() {
  ByteVector stream = Reply(1);
  stream += Reply(2, 70, 0);
  stream += Heartbeat(3);
  stream += ReadonlyEvent();
  stream += Frame(0xa2, 0, 5, PatternBody(5, 17));  // an event longer than what is kept
  stream += Reply(6, 20, 300);
  stream += Request(7);
  stream += Oneway(8);
  stream += Frame(0x22, 20, 9, ByteVector{0x4e});
  return stream;
}

std::vector<Seen> Expected() {
  return {{MessageKind::kResponse, 1, 20, {}},     {MessageKind::kResponse, 2, 70, {}},
          {MessageKind::kHeartbeat, 3, 0, {}},     {MessageKind::kEvent, 0, 0, {0x01, 'R'}},
          {MessageKind::kEvent, 5, 0, {}},         {MessageKind::kResponse, 6, 20, {}},
          {MessageKind::kRequest, 7, 0, {}},       {MessageKind::kOneway, 8, 0, {}},
          {MessageKind::kEventResponse, 9, 20, {}}};
}

TEST(ReplyReader, ReadsAWholeStreamAtOnce) {
  ReplyReader reader(Wire::kDubbo);
  Recorder recorder;
  EXPECT_TRUE(reader.Read(Stream(), {}, recorder));
  EXPECT_EQ(recorder.seen, Expected());
}

TEST(ReplyReader, ReadsTheSameFromTwoPiecesCutAtAnyByte) {
  const ByteVector stream = Stream();
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    ReplyReader reader(Wire::kDubbo);
    Recorder recorder;
    EXPECT_TRUE(reader.Read(Bytes(stream).first(cut), {}, recorder));
    EXPECT_TRUE(reader.Read(Bytes(stream).subspan(cut), {}, recorder));
    EXPECT_EQ(recorder.seen, Expected()) << "cut at " << cut;
  }
}

TEST(ReplyReader, ReadsTheSameByteByByte) {
  ReplyReader reader(Wire::kDubbo);
  Recorder recorder;
  for (const uint8_t byte : Stream()) {
    EXPECT_TRUE(reader.Read({&byte, 1}, {}, recorder));
  }
  EXPECT_EQ(recorder.seen, Expected());
}

TEST(ReplyReader, TellsNothingBeforeTheBodyIsComplete) {
  ReplyReader reader(Wire::kDubbo);
  Recorder recorder;
  const ByteVector reply = Reply(1, 20, 100);
  EXPECT_TRUE(reader.Read(Bytes(reply).first(reply.size() - 1), {}, recorder));
  EXPECT_TRUE(recorder.seen.empty());
  EXPECT_TRUE(reader.Read(Bytes(reply).last(1), {}, recorder));
  EXPECT_EQ(recorder.seen.size(), 1U);
}

TEST(ReplyReader, RefusesAWrongMagicAtItsFirstWrongByte) {
  ReplyReader reader(Wire::kDubbo);
  Recorder recorder;
  EXPECT_TRUE(reader.Read(ByteVector{0xda}, {}, recorder));
  EXPECT_FALSE(reader.Read(ByteVector{0xbc}, {}, recorder));
  EXPECT_FALSE(reader.error().empty());
}

TEST(ReplyReader, RefusesALengthOverTheLimitAndSkipsTheLongestOne) {
  ByteVector reply = Reply(1, 20, 0);
  Recorder recorder;
  for (const uint8_t high : ByteVector{0xff, 0x7f, 0x11}) {
    reply[12] = high;
    EXPECT_FALSE(ReplyReader(Wire::kDubbo).Read(reply, {}, recorder));
  }
  reply[12] = 0x10;
  ASSERT_EQ(protocol::kMaxBodyBytes, 0x10000000U);
  ReplyReader reader(Wire::kDubbo);
  EXPECT_TRUE(reader.Read(reply, {}, recorder));
  EXPECT_TRUE(reader.Read(ByteVector(100'000), {}, recorder));
  EXPECT_TRUE(recorder.seen.empty());
}

TEST(ReplyReader, TakesAnyBytesWithoutHarm) {
  std::mt19937 random(3);
  for (int run = 0; run < 20'000; ++run) {
    ReplyReader reader(Wire::kDubbo);
    Recorder recorder;
    ByteVector bytes = random() % 2 == 0 ? ByteVector{} : Stream();
    bytes.resize(bytes.size() + random() % 64);
    for (size_t i = 0; i < 4; ++i) {
      if (!bytes.empty()) {
        bytes[random() % bytes.size()] = static_cast<uint8_t>(random());
      }
    }
    const size_t cut = random() % (bytes.size() + 1);
    if (reader.Read(Bytes(bytes).first(cut), {}, recorder)) {
      (void)reader.Read(Bytes(bytes).subspan(cut), {}, recorder);
    }
  }
}

}  // namespace
}  // namespace rpctee::mirror
