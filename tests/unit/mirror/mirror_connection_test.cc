// A connection's life: opened when needed, closed by either side, refused, reset, marked.
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mirror_fixture.h"

namespace rpctee::mirror {
namespace {

using MirrorConnection = MirrorTest;
using Peer = ScriptedServer::Peer;
using Message = ScriptedServer::Message;

TEST_F(MirrorConnection, IsOpenedByTheFirstCopyAndToldBeforeAnythingIsSent) {
  ScriptedServer server(loop);
  Start({server.address()});
  RunFor(milliseconds(20));
  EXPECT_EQ(server.accepted(), 0U);
  EXPECT_EQ(State(), "idle");
  SendMany(1);
  ASSERT_EQ(books.open.size(), 1U);
  EXPECT_EQ(books.open.begin()->second, server.address());
  EXPECT_EQ(books.sent, 0U);
  EXPECT_EQ(State(), "connecting");
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(State(), "connected");
}

TEST_F(MirrorConnection, ARefusedConnectionLosesItsCopiesThenBacksOffThenTriesAgain) {
  const SocketAddress address = DeadAddress(loop);
  Start({address});
  SendMany(5);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::connection_lost), 5U);
  EXPECT_EQ(State(), "backing off");
  SendMany(5);
  EXPECT_EQ(Count(CopyOutcome::no_endpoint), 5U);
  ScriptedServer server(loop, address.port);
  ASSERT_TRUE(RunUntil([&] { return State() == "idle"; }));
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 1U);
}

TEST_F(MirrorConnection, ADeadMirrorIsTriedLessAndLessOften) {
  Start({DeadAddress(loop)});
  const TimePoint end = Clock::now() + milliseconds(1000);
  while (Clock::now() < end) {
    SendMany(1);
    Round(milliseconds(1));
  }
  // 20 to 40 ms, 40 to 80, 80 to 160, then 100 to 200: at most 13 tries in a second.
  EXPECT_GE(books.opened + books.connect_failures.size(), 5U);
  EXPECT_LE(books.opened + books.connect_failures.size(), 14U);
}

TEST_F(MirrorConnection, AMirrorThatHasAnsweredIsTriedSoonAgain) {
  options.reconnect_min = milliseconds(10);
  options.reconnect_max = seconds(10);
  ScriptedServer server(loop);
  const auto drop = [](ScriptedServer& self, Peer& peer, const Message&) { self.Drop(peer); };
  const auto answer = [](ScriptedServer& self, Peer& peer, const Message& message) {
    self.Write(peer, Reply(message.id));
  };
  const auto try_until = [&](const std::function<bool()>& done) {
    return RunUntil([&] {
      SendMany(1);
      return done();
    });
  };
  server.Script(drop);
  Start({server.address()});
  ASSERT_TRUE(try_until([&] { return Counted(MirrorCounter::cx_failed) == 5; }));
  server.Script(answer);
  ASSERT_TRUE(try_until([&] { return Count(CopyOutcome::answered_ok) > 0; }));
  server.Script(drop);
  ASSERT_TRUE(try_until([&] { return Counted(MirrorCounter::cx_failed) == 6; }));
  server.Script(answer);
  ASSERT_TRUE(RunUntilAllEnded());
  const uint64_t answered = Count(CopyOutcome::answered_ok);
  RunFor(milliseconds(100));  // 10 to 20 from anew; 320 and more if the five failures still counted
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), answered + 1);
}

TEST_F(MirrorConnection, ACloseWhileIdleIsOrdinaryAndTheNextCopyReconnectsAtOnce) {
  ScriptedServer server(loop);
  Start({server.address()});
  for (uint64_t i = 1; i <= 5; ++i) {
    SendMany(1);
    ASSERT_TRUE(RunUntilAllEnded());
    EXPECT_EQ(Count(CopyOutcome::answered_ok), i);
    server.DropAll();
    ASSERT_TRUE(RunUntil([&] { return books.open.empty(); }));
    EXPECT_EQ(State(), "idle");
    EXPECT_EQ(Counted(MirrorCounter::cx_closed_idle), i);
  }
  EXPECT_EQ(Counted(MirrorCounter::cx_failed), 0U);
}

TEST_F(MirrorConnection, AMirrorThatClosesWithoutEverAnsweringIsBackedOffFrom) {
  ScriptedServer server(loop);
  server.Script([](ScriptedServer& self, Peer& peer, const Message&) { self.Drop(peer); });
  Start({server.address()});
  Send(Oneway(1));
  ASSERT_TRUE(RunUntil([&] { return books.reasons.size() == 1; }));
  EXPECT_EQ(Count(CopyOutcome::oneway_sent), 1U);
  EXPECT_EQ(State(), "backing off");
}

TEST_F(MirrorConnection, ACloseWithUnansweredCopiesLosesThem) {
  for (const bool reset : {false, true}) {
    SCOPED_TRACE(reset);
    ScriptedServer server(loop);
    server.Script([&](ScriptedServer& self, Peer& peer, const Message&) {
      if (peer.messages >= 10) {
        reset ? self.Reset(peer) : self.Drop(peer);
      }
    });
    Start({server.address()});
    const uint64_t before = Count(CopyOutcome::connection_lost);
    SendMany(10);
    ASSERT_TRUE(RunUntilAllEnded());
    EXPECT_EQ(Count(CopyOutcome::connection_lost), before + 10);
    EXPECT_EQ(State(), "backing off");
  }
}

TEST_F(MirrorConnection, AHalfCloseIsAClose) {
  ScriptedServer server(loop);
  server.Script([](ScriptedServer& self, Peer& peer, const Message& message) {
    if (peer.messages == 1) {
      self.Write(peer, Reply(message.id));
    } else {
      self.HalfClose(peer);
    }
  });
  Start({server.address()});
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 1U);
  EXPECT_EQ(Count(CopyOutcome::connection_lost), 1U);
}

TEST_F(MirrorConnection, AnswersThatCameBeforeTheCloseStillCount) {
  ScriptedServer server(loop);
  server.Script([](ScriptedServer& self, Peer& peer, const Message& message) {
    self.Write(peer, Reply(message.id, 20, 100));
    peer.close_when_written = peer.messages >= 5;
  });
  Start({server.address()});
  SendMany(5);
  // The server acts while the mirror is not looking, so all comes at once: answers, FIN, and then a failing send.
  ASSERT_TRUE(RunUntil([&] { return server.accepted() == 1; }));
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 5U);
}

TEST_F(MirrorConnection, AnAnswerThatIsFoundWhenSendFailsStillCounts) {
  ScriptedServer server(loop);
  server.Script([&](ScriptedServer& self, Peer& peer, const Message& message) {
    const ByteVector reply = Reply(message.id);
    ASSERT_EQ(send(peer.fd.get(), reply.data(), reply.size(), 0), static_cast<ssize_t>(reply.size()));
    self.Reset(peer);
    // The loop has had no time to tell the mirror, so its send() is the first to meet the reset.
    Send(Request(2), 0, 2);
    mirror->Flush();
    EXPECT_EQ(mirror->in_flight(), 0U);
  });
  Start({server.address()});
  Send(Request(1), 0, 1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(books.last_end[1], CopyOutcome::answered_ok);
  EXPECT_EQ(books.last_end[2], CopyOutcome::connection_lost);
}

TEST_F(MirrorConnection, HalfAnAnswerDoesNotSpillIntoTheNextConnection) {
  ScriptedServer server(loop);
  bool cut = true;
  server.Script([&](ScriptedServer& self, Peer& peer, const Message& message) {
    ByteVector reply = Reply(message.id, 20, 100);
    if (cut) {
      reply.resize(50);
      peer.close_when_written = true;
    }
    self.Write(peer, reply);
  });
  Start({server.address()});
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::connection_lost), 1U);
  cut = false;
  ASSERT_TRUE(RunUntil([&] { return State() == "idle"; }));
  SendMany(3);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 3U);
}

TEST_F(MirrorConnection, AConnectThatHangsEndsAfterTheConnectTimeout) {
  const HangingListener listener;
  options.connect_timeout = milliseconds(80);
  Start({listener.address()});
  SendMany(3);
  const TimePoint begin = Clock::now();
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_GE(Clock::now() - begin, milliseconds(75));
  EXPECT_EQ(Count(CopyOutcome::connection_lost), 3U);
  EXPECT_EQ(Counted(MirrorCounter::cx_connect_fail), 1U);
  EXPECT_EQ(State(), "backing off");
}

TEST_F(MirrorConnection, ABlackHoleCannotBeStartedOrTimesOutButNeverBlocks) {
  // 240.0.0.0/4 is reserved: no route, or no answer.
  Start({*SocketAddress::Parse("240.0.0.1:20880")});
  const TimePoint begin = Clock::now();
  SendMany(100);
  EXPECT_LT(Clock::now() - begin, milliseconds(100));
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::connection_lost) + Count(CopyOutcome::no_endpoint), 100U);
}

TEST_F(MirrorConnection, WithoutAFreeDescriptorTheCopyIsRefusedAndLaterOnesWork) {
  ScriptedServer server(loop);
  Start({server.address()});
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next_fd = dup(0);
  close(next_fd);
  rlimit tight = before;
  tight.rlim_cur = static_cast<rlim_t>(next_fd);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &tight), 0);
  SendMany(50);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(Count(CopyOutcome::no_endpoint), 50U);
  EXPECT_EQ(books.connect_failures.size(), 1U) << "tried once, then backed off";
  EXPECT_TRUE(books.open.empty());
  ASSERT_TRUE(RunUntil([&] { return State() == "idle"; }));
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 1U);
}

TEST_F(MirrorConnection, AMarkThatCannotBeSetMeansNoConnection) {
  options.socket_mark = 0x7ee;
  ScriptedServer server(loop);
  const bool may_mark = Mirror::CheckSocketMark(options.socket_mark).has_value();
  EXPECT_TRUE(Mirror::CheckSocketMark(0));
  Start({server.address()});
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(may_mark ? CopyOutcome::answered_ok : CopyOutcome::no_endpoint), 1U);
  EXPECT_EQ(books.connect_failures.size(), may_mark ? 0U : 1U);
}

TEST_F(MirrorConnection, SeveralConnectionsToOneEndpointTakeTurns) {
  options.connections_per_endpoint = 3;
  ScriptedServer server(loop);
  Start({server.address()});
  SendMany(30);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 30U);
  ASSERT_EQ(server.peers().size(), 3U);
  for (const auto& peer : server.peers()) {
    EXPECT_EQ(peer->messages, 10U);
  }
}

TEST_F(MirrorConnection, OneFailedConnectionDoesNotKeepTheOthersOfTheEndpointFromWorking) {
  options.connections_per_endpoint = 2;
  ScriptedServer server(loop);
  Start({server.address()});
  SendMany(10);
  ASSERT_TRUE(RunUntilAllEnded());
  server.Write(*server.peers()[0], ByteVector{'x'});
  ASSERT_TRUE(RunUntil([&] { return books.open.size() == 1; }));
  EXPECT_EQ(State(), "connected");
  SendMany(10);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 20U);
}

}  // namespace
}  // namespace rpctee::mirror
