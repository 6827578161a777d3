// A mirror pod that fails is left alone for a time, and comes back by one probe; connections that nobody uses are
// closed.
#include "mirror_fixture.h"

namespace rpctee::mirror {
namespace {

using Peer = ScriptedServer::Peer;
using Message = ScriptedServer::Message;

class MirrorEjection : public MirrorTest {
 protected:
  MirrorEjection() {
    options.reply_timeout = milliseconds(60);
    options.reconnect_min = milliseconds(1);
    options.reconnect_max = milliseconds(4);
    options.ejection = {.consecutive_failures = 3,
                        .consecutive_exhausted = 1,
                        .time = milliseconds(100),
                        .max_time = milliseconds(300)};
  }
};

TEST_F(MirrorEjection, OneThatHangsIsPutOutAndReturnsByOneProbe) {
  ScriptedServer server(loop);
  server.ScriptNothing();
  Start({server.address()});
  SendMany(3);
  ASSERT_TRUE(RunUntil([&] { return books.outs == 1; }));
  EXPECT_EQ(State(), "out");
  EXPECT_GE(books.last_out, options.ejection.time);
  EXPECT_LE(books.last_out, options.ejection.time * 5 / 4);
  SendMany(10);
  EXPECT_EQ(Count(CopyOutcome::no_endpoint), 10U);
  server.Script([](ScriptedServer& self, Peer& peer, const Message& message) { self.Write(peer, Reply(message.id)); });
  // One copy of many goes out while nobody knows how it ends.
  const size_t before = server.requests();
  RunFor(milliseconds(130));
  SendMany(5);
  EXPECT_EQ(mirror->in_flight(), 1U);
  ASSERT_TRUE(RunUntil([&] { return books.backs == 1; }));
  EXPECT_EQ(server.requests(), before + 1);
  RunFor(milliseconds(5));
  SendMany(20);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 21U);
  EXPECT_EQ(Counted(MirrorCounter::ejections), 1U);
}

TEST_F(MirrorEjection, AnotherEndpointTakesWhatTheOneThatIsOutDoesNot) {
  ScriptedServer good(loop);
  options.ejection.time = options.ejection.max_time = seconds(60);
  options.connect_timeout = milliseconds(20);
  Start({good.address(), DeadAddress(loop)});
  for (int i = 0; i < 300 && books.outs == 0; ++i) {
    SendMany(2);
    RunFor(milliseconds(2));
  }
  EXPECT_EQ(books.outs, 1U);
  ASSERT_TRUE(RunUntilAllEnded());
  const uint64_t answered = Count(CopyOutcome::answered_ok);
  SendMany(100);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), answered + 100);
}

TEST_F(MirrorEjection, Status100PausesAtOnceAndKeepsTheConnection) {
  ScriptedServer server(loop);
  bool exhausted = true;
  server.Script([&](ScriptedServer& self, Peer& peer, const Message& message) {
    self.Write(peer, Reply(message.id, exhausted ? 100 : 20, 10));
  });
  Start({server.address()});
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_error), 1U);
  EXPECT_EQ(books.outs, 1U);
  SendMany(1);
  EXPECT_EQ(Count(CopyOutcome::no_endpoint), 1U);
  exhausted = false;
  RunFor(milliseconds(130));
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 1U);
  EXPECT_EQ(server.accepted(), 1U);
}

TEST_F(MirrorEjection, OtherErrorsAreAnswersLikeAnyOther) {
  ScriptedServer server(loop);
  server.Script(
      [](ScriptedServer& self, Peer& peer, const Message& message) { self.Write(peer, Reply(message.id, 70, 10)); });
  Start({server.address()});
  SendMany(50);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_error), 50U);
  EXPECT_EQ(books.outs, 0U);
}

TEST_F(MirrorEjection, ARestartThatLosesManyCopiesAtOnceIsOneFailure) {
  ScriptedServer server(loop);
  size_t asked = 0;
  server.Script([&](ScriptedServer& self, Peer& peer, const Message& message) {
    if (++asked == 50) {
      self.Reset(peer);
    } else if (asked > 50) {
      self.Write(peer, Reply(message.id));
    }
  });
  Start({server.address()});
  SendMany(50);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_GT(Count(CopyOutcome::connection_lost), 40U);
  EXPECT_EQ(books.outs, 0U);
  RunFor(milliseconds(10));
  SendMany(5);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 5U);
}

TEST_F(MirrorEjection, ConnectionsThatFailTogetherAreOneFailure) {
  options.connections_per_endpoint = 6;
  options.reconnect_min = options.reconnect_max = milliseconds(500);
  ScriptedServer server(loop);
  server.ScriptNothing();
  Start({server.address()});
  for (int i = 0; i < 6; ++i) {
    SendMany(1);
    Round();
  }
  ASSERT_TRUE(RunUntil([&] { return server.requests() == 6; }));
  server.DropAll();
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Counted(MirrorCounter::cx_failed), 6U);
  EXPECT_EQ(books.outs, 0U);
}

TEST_F(MirrorEjection, OneWayRequestsAreNoSignOfLifeButMayBeTheProbe) {
  ScriptedServer server(loop);
  server.ScriptNothing();
  Start({server.address()});
  for (int i = 0; i < 3; ++i) {
    SendMany(1);
    Send(Oneway(next_id++));
  }
  ASSERT_TRUE(RunUntil([&] { return books.outs == 1; }));
  RunFor(milliseconds(130));
  Send(Oneway(next_id++));
  ASSERT_TRUE(RunUntil([&] { return books.backs == 1; }));
}

TEST_F(MirrorEjection, AConnectionThatNobodyUsesIsClosedAndOpenedAgain) {
  options.idle_timeout = milliseconds(50);
  ScriptedServer server(loop);
  Start({server.address()});
  SendMany(1);
  ASSERT_TRUE(RunUntil([&] { return server.accepted() == 1 && server.peers().empty(); }));
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 1U);
  EXPECT_EQ(Counted(MirrorCounter::cx_idle_timeout), 1U);
  EXPECT_EQ(Counted(MirrorCounter::cx_failed), 0U);
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 2U);
  EXPECT_EQ(server.accepted(), 2U);
}

TEST_F(MirrorEjection, AConnectionThatIsOwedAnAnswerIsNotIdle) {
  options.idle_timeout = milliseconds(20);
  options.reply_timeout = seconds(5);
  ScriptedServer server(loop);
  uint64_t owed = 0;
  server.Script([&](ScriptedServer&, Peer&, const Message& message) { owed = message.id; });
  Start({server.address()});
  SendMany(1);
  RunFor(milliseconds(100));
  EXPECT_EQ(server.peers().size(), 1U);
  server.WriteAll(Reply(owed));
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 1U);
}

}  // namespace
}  // namespace rpctee::mirror
