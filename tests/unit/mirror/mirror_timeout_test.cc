// Copies that nobody answers.
#include "mirror_fixture.h"

namespace rpctee::mirror {
namespace {

class MirrorTimeout : public MirrorTest {
 protected:
  MirrorTimeout() { options.reply_timeout = milliseconds(160); }

  // A mirror that has stalled may need longer than the timeout to take what the kernel holds for it.
  bool RunUntilOneIsAnswered() {
    return RunUntil([this] {
      if (mirror->in_flight() == 0) {
        SendMany(1);
      }
      return Count(CopyOutcome::answered_ok) > 0;
    });
  }
};
using Peer = ScriptedServer::Peer;
using Message = ScriptedServer::Message;

TEST_F(MirrorTimeout, ACopyWithoutAnAnswerTimesOutAndTheConnectionStays) {
  ScriptedServer server(loop);
  server.ScriptNothing();
  Start({server.address()});
  const TimePoint begin = Clock::now();
  SendMany(20);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_GE(Clock::now() - begin, milliseconds(160));
  EXPECT_LT(Clock::now() - begin, seconds(2));
  EXPECT_EQ(Count(CopyOutcome::timed_out), 20U);
  EXPECT_EQ(State(), "connected");
}

TEST_F(MirrorTimeout, TheTimeCountsFromTheBeginningOfTheRoundInWhichACopyWasSent) {
  options.reply_timeout = seconds(60);
  ScriptedServer server(loop);
  server.ScriptNothing();
  Start({server.address()});
  Send(Request(1, 40), 0, 0, 0, Clock::now() - seconds(60));
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::timed_out), 1U);
}

TEST_F(MirrorTimeout, ALateAnswerIsIgnored) {
  ScriptedServer server(loop);
  std::vector<uint64_t> ids;
  server.Script([&](ScriptedServer&, Peer&, const Message& message) { ids.push_back(message.id); });
  Start({server.address()});
  SendMany(2);
  ASSERT_TRUE(RunUntilAllEnded());
  SendMany(1);
  ASSERT_TRUE(RunUntil([&] { return ids.size() == 3; }));
  for (const uint64_t id : ids) {
    server.WriteAll(Reply(id));
  }
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::timed_out), 2U);
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 1U);
  EXPECT_EQ(Counted(MirrorCounter::replies_ignored), 2U);
}

TEST_F(MirrorTimeout, OneUnansweredCopyDoesNotHoldUpTheOthers) {
  options.max_in_flight = 10;
  ScriptedServer server(loop);
  bool first = true;
  server.Script([&](ScriptedServer& self, Peer& peer, const Message& message) {
    if (!std::exchange(first, false)) {
      self.Write(peer, Reply(message.id));
    }
  });
  Start({server.address()});
  Send(Request(1), 0, 7);
  for (int i = 0; i < 100; ++i) {
    Send(Request(2));
    ASSERT_TRUE(RunUntil([&] { return mirror->in_flight() <= (books.ends_by_rule[7] == 0 ? 1U : 0U); }));
  }
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(books.last_end[7], CopyOutcome::timed_out);
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 100U);
}

TEST_F(MirrorTimeout, ACopyThatWasNeverSentTimesOutAndIsNotSentLater) {
  ScriptedServer server(loop);
  server.SetReceiveBuffer(256 << 10);
  server.SetReading(false);
  options.max_buffer_bytes = 64 << 20;
  Start({server.address()});
  SendMany(400, 30'000);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::timed_out), 400U);
  const uint64_t sent = books.sent;
  ASSERT_LT(sent, 400U) << "the kernel took all: the test shows nothing";
  EXPECT_LT(mirror->buffered_bytes(), 31'000U) << "at most the rest of the one that had begun to leave";
  server.SetReading(true);
  ASSERT_TRUE(RunUntilOneIsAnswered()) << "the stream is out of step";
  EXPECT_TRUE(RunUntil([&] { return server.requests() >= books.sent; }));
  EXPECT_LE(server.requests(), books.sent + 1) << "only one can have been half sent when it timed out";
}

TEST_F(MirrorTimeout, OldCopiesMakeRoomForNewOnesWhileTheMirrorStalls) {
  ScriptedServer server(loop);
  server.SetReceiveBuffer(256 << 10);
  server.SetReading(false);
  options.max_buffer_bytes = 100'000;
  Start({server.address()});
  ASSERT_TRUE(RunUntil([&] {
    SendMany(10, 9'000);
    return Count(CopyOutcome::queue_full) > 0;
  }));
  ASSERT_TRUE(RunUntilAllEnded());
  const uint64_t full = Count(CopyOutcome::queue_full);
  SendMany(5, 9'000);
  EXPECT_EQ(Count(CopyOutcome::queue_full), full);
  server.SetReading(true);
  EXPECT_TRUE(RunUntilOneIsAnswered());
}

TEST_F(MirrorTimeout, ACopyWaitingForAConnectTimesOutToo) {
  options.connect_timeout = seconds(5);
  options.reply_timeout = milliseconds(40);
  const HangingListener listener;
  Start({listener.address()});
  SendMany(3);
  ASSERT_TRUE(RunUntilAllEnded(seconds(1)));
  EXPECT_EQ(Count(CopyOutcome::timed_out), 3U);
  EXPECT_EQ(State(), "connecting");
  EXPECT_EQ(mirror->buffered_bytes(), 0U);
}

TEST_F(MirrorTimeout, AOnewayRequestThatWasSentNeverTimesOut) {
  ScriptedServer server(loop);
  Start({server.address()});
  Send(Oneway(1));
  RunFor(milliseconds(300));
  EXPECT_EQ(Count(CopyOutcome::oneway_sent), 1U);
  EXPECT_EQ(Count(CopyOutcome::timed_out), 0U);
}

}  // namespace
}  // namespace rpctee::mirror
