// What the mirror sends back: answers by status, strangers, heartbeats, READONLY, garbage, floods.
#include "mirror_fixture.h"

namespace rpctee::mirror {
namespace {

using MirrorReply = MirrorTest;
using Peer = ScriptedServer::Peer;
using Message = ScriptedServer::Message;

TEST_F(MirrorReply, Status20IsOkAndEveryOtherIsAnError) {
  ScriptedServer server(loop);
  uint8_t status = 0;
  server.Script(
      [&](ScriptedServer& self, Peer& peer, const Message& message) { self.Write(peer, Reply(message.id, status++)); });
  Start({server.address()});
  SendMany(256);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 1U);
  EXPECT_EQ(Count(CopyOutcome::answered_error), 255U);
}

TEST_F(MirrorReply, AnExceptionInsideAnOkAnswerHasANameOfItsOwn) {
  ScriptedServer server(loop);
  server.Script([&](ScriptedServer& self, Peer& peer, const Message& message) {
    self.Write(peer, Frame(0x02, 20, message.id, ByteVector{0x93, 'C', 0x1f, 'j'}));
  });
  Start({server.address()});
  SendMany(3);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_exception), 3U);
}

TEST_F(MirrorReply, ErrorsAreCountedByEndpointAndByTheNameOfTheirStatus) {
  ScriptedServer one(loop);
  ScriptedServer two(loop);
  one.Script([&](ScriptedServer& self, Peer& peer, const Message& message) {
    constexpr std::array<uint8_t, 6> kStatuses{20, 60, 80, 80, 0, 255};
    self.Write(peer, Reply(message.id, kStatuses.at((one.messages() - 1) % kStatuses.size())));
  });
  two.Script(
      [](ScriptedServer& self, Peer& peer, const Message& message) { self.Write(peer, Reply(message.id, 100)); });
  Start({one.address(), two.address()});
  for (int i = 0; i < 12; ++i) {
    SendMany(1);
    ASSERT_TRUE(RunUntilAllEnded());
  }
  uint64_t errors = 0;
  for (const MirrorCounts& row : mirror->Counts()) {
    EXPECT_EQ(row.errors, row.endpoint == one.address()
                              ? (std::map<std::string, uint64_t>{
                                    {"SERVICE_NOT_FOUND", 1}, {"SERVER_ERROR", 2}, {"status 0", 1}, {"status 255", 1}})
                              : (std::map<std::string, uint64_t>{{"SERVER_THREADPOOL_EXHAUSTED", 6}}));
    for (const auto& [name, count] : row.errors) {
      errors += count;
    }
  }
  EXPECT_EQ(errors, Count(CopyOutcome::answered_error));
}

TEST_F(MirrorReply, WhatWasCountedOfAnEndpointOutlivesIt) {
  ScriptedServer server(loop);
  server.Script(
      [](ScriptedServer& self, Peer& peer, const Message& message) { self.Write(peer, Reply(message.id, 70)); });
  Start({server.address()});
  for (uint64_t i = 1; i <= 3; ++i) {
    SendMany(1);
    ASSERT_TRUE(RunUntilAllEnded());
    mirror->SetClusters({});
    ASSERT_EQ(mirror->Counts().size(), 1U);
    EXPECT_EQ(mirror->Counts()[0].endpoint, server.address());
    EXPECT_EQ(mirror->Counts()[0].errors.at("SERVICE_ERROR"), i);
    EXPECT_EQ(Counted(MirrorCounter::cx_total), i);
    mirror->SetClusters({ClusterOf({server.address()})});
  }
}

TEST_F(MirrorReply, AnswersInReverseOrderAreMatchedById) {
  ScriptedServer server(loop);
  std::vector<uint64_t> ids;
  server.Script([&](ScriptedServer& self, Peer& peer, const Message& message) {
    ids.push_back(message.id);
    if (ids.size() == 10) {
      // The frame of rule r has the body pattern of r, so the status shows whether rule and id belong together.
      for (size_t i = ids.size(); i-- > 0;) {
        self.Write(peer, Reply(ids[i], i == 3 ? 80 : 20));
      }
    }
  });
  Start({server.address()});
  for (uint32_t rule = 0; rule < 10; ++rule) {
    Send(Request(1), 0, rule);
  }
  ASSERT_TRUE(RunUntilAllEnded());
  for (uint32_t rule = 0; rule < 10; ++rule) {
    EXPECT_EQ(books.last_end[rule], rule == 3 ? CopyOutcome::answered_error : CopyOutcome::answered_ok);
  }
}

TEST_F(MirrorReply, AnAnswerCutAtAnyByteCountsOnce) {
  ScriptedServer server(loop);
  size_t cut = 0;
  ByteVector rest;
  server.Script([&](ScriptedServer& self, Peer& peer, const Message& message) {
    const ByteVector reply = Reply(message.id, 20, 5);
    self.Write(peer, ByteVector(reply.begin(), reply.begin() + static_cast<std::ptrdiff_t>(cut)));
    rest.assign(reply.begin() + static_cast<std::ptrdiff_t>(cut), reply.end());
  });
  Start({server.address()});
  for (cut = 0; cut < 21; ++cut) {
    rest.clear();
    SendMany(1);
    ASSERT_TRUE(RunUntil([&] { return !rest.empty() && server.peers()[0]->out.empty(); }));
    RunFor(milliseconds(2));
    EXPECT_EQ(Count(CopyOutcome::answered_ok), cut);
    server.Write(*server.peers()[0], rest);
    ASSERT_TRUE(RunUntilAllEnded());
  }
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 21U);
}

TEST_F(MirrorReply, ALongAnswerIsSkippedWithoutKeepingIt) {
  ScriptedServer server(loop);
  server.Script([](ScriptedServer& self, Peer& peer, const Message& message) {
    self.Write(peer, Reply(message.id, 20, 20 << 20));
  });
  Start({server.address()});
  SendMany(2);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 2U);
}

TEST_F(MirrorReply, UnknownAndRepeatedAndTooEarlyIdsAreIgnored) {
  ScriptedServer server(loop);
  server.Script([](ScriptedServer& self, Peer& peer, const Message& message) {
    ByteVector out = Reply(message.id + 1);
    out += Reply(0);
    out += Reply(~uint64_t{0});
    out += Reply(message.id);
    out += Reply(message.id);
    self.Write(peer, out);
  });
  Start({server.address()});
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_TRUE(RunUntil([&] { return Counted(MirrorCounter::replies_ignored) == 4; }));
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 1U);
  EXPECT_EQ(State(), "connected");
}

TEST_F(MirrorReply, AHeartbeatOfTheMirrorIsAnswered) {
  ScriptedServer server(loop);
  Start({server.address()});
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  server.WriteAll(Heartbeat(0x1234567890abcdef));
  ASSERT_TRUE(RunUntil([&] { return server.messages() == 2; }));
  EXPECT_EQ(server.log()[1].frame, Frame(0x22, 20, 0x1234567890abcdef, ByteVector{0x4e}));
  EXPECT_EQ(Counted(MirrorCounter::heartbeats_answered), 1U);
}

TEST_F(MirrorReply, HeartbeatsBetweenCopiesDoNotDisturbTheBooks) {
  ScriptedServer server(loop);
  server.Script([](ScriptedServer& self, Peer& peer, const Message& message) {
    if (message.WantsAnswer()) {
      self.Write(peer, Heartbeat(message.id));
      self.Write(peer, Reply(message.id));
    }
  });
  Start({server.address()});
  for (int i = 0; i < 100; ++i) {
    SendMany(3);
    Round();
  }
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 300U);
  EXPECT_EQ(Counted(MirrorCounter::heartbeats_answered), 300U);
  EXPECT_EQ(books.sent, 300U);
}

TEST_F(MirrorReply, RequestsOfTheMirrorToUsAreSkipped) {
  ScriptedServer server(loop);
  server.Script([](ScriptedServer& self, Peer& peer, const Message& message) {
    self.Write(peer, Request(message.id, 1000));
    self.Write(peer, Oneway(message.id));
    self.Write(peer, Reply(message.id));
  });
  Start({server.address()});
  SendMany(10);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 10U);
  EXPECT_EQ(Counted(MirrorCounter::callbacks_skipped), 20U);
  EXPECT_EQ(server.messages(), 10U);
}

TEST_F(MirrorReply, GarbageClosesTheConnectionAndBacksOff) {
  ScriptedServer server(loop);
  server.Script([](ScriptedServer& self, Peer& peer, const Message&) {
    self.Write(peer, ByteVector{'H', 'T', 'T', 'P', '/', '1', '.', '1'});
  });
  Start({server.address()});
  SendMany(3);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::connection_lost), 3U);
  EXPECT_EQ(State(), "backing off");
  EXPECT_EQ(Counted(MirrorCounter::cx_protocol_error), 1U);
  SendMany(1);
  EXPECT_EQ(Count(CopyOutcome::no_endpoint), 1U);
}

TEST_F(MirrorReply, AfterReadonlyWhatIsOwedIsAwaitedAndNothingNewIsSent) {
  ScriptedServer server(loop);
  std::vector<uint64_t> owed;
  server.Script([&](ScriptedServer&, Peer&, const Message& message) { owed.push_back(message.id); });
  Start({server.address()});
  SendMany(3);
  ASSERT_TRUE(RunUntil([&] { return owed.size() == 3; }));
  server.WriteAll(ReadonlyEvent());
  ASSERT_TRUE(RunUntil([&] { return State() == "readonly"; }));
  SendMany(2);
  EXPECT_EQ(Count(CopyOutcome::no_endpoint), 2U);
  for (const uint64_t id : owed) {
    server.WriteAll(Reply(id));
  }
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 3U);
  EXPECT_EQ(State(), "readonly");
  server.DropAll();
  ASSERT_TRUE(RunUntil([&] { return State() == "backing off"; }));
  SendMany(1);
  EXPECT_EQ(Count(CopyOutcome::no_endpoint), 3U);
  ASSERT_TRUE(RunUntil([&] { return State() == "idle"; }));
  SendMany(1);
  ASSERT_TRUE(RunUntil([&] { return owed.size() == 4; }));
  EXPECT_EQ(server.accepted(), 2U);
  EXPECT_EQ(Counted(MirrorCounter::cx_close_notify), 1U);
}

TEST_F(MirrorReply, ReadonlyOnOneConnectionIsMeantForTheWholeEndpoint) {
  options.connections_per_endpoint = 2;
  ScriptedServer server(loop);
  Start({server.address()});
  SendMany(2);
  ASSERT_TRUE(RunUntilAllEnded());
  server.Write(*server.peers()[0], ReadonlyEvent());
  ASSERT_TRUE(RunUntil([&] { return State() == "readonly"; }));
  SendMany(2);
  EXPECT_EQ(Count(CopyOutcome::no_endpoint), 2U);
}

TEST_F(MirrorReply, AReadonlyMirrorThatNeverClosesIsTriedAgainInTheEnd) {
  options.reply_timeout = milliseconds(50);
  options.reconnect_max = milliseconds(60);
  ScriptedServer server(loop);
  Start({server.address()});
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  server.WriteAll(ReadonlyEvent());
  ASSERT_TRUE(RunUntil([&] { return State() == "readonly"; }));
  ASSERT_TRUE(RunUntil([&] { return State() == "idle"; }));
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 2U);
}

TEST_F(MirrorReply, OtherEventsAreIgnored) {
  ScriptedServer server(loop);
  Start({server.address()});
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  server.WriteAll(Frame(0xa2, 0, 0, ByteVector{0x01, 'W'}));
  server.WriteAll(Frame(0xa2, 0, 0, PatternBody(1, 5000)));
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 2U);
}

TEST_F(MirrorReply, AFloodIsCutOffAndDoesNotStarveAnotherMirror) {
  ScriptedServer noisy(loop);
  ScriptedServer good(loop);
  noisy.ScriptNothing();
  noisy.SetFlooding(Reply(99, 20, 8000));
  mirror = std::make_unique<Mirror>(loop, books, options);
  mirror->SetClusters({ClusterOf({noisy.address()}), ClusterOf({good.address()})});
  Send(Request(1), 0, 1);
  ASSERT_TRUE(RunUntil([&] { return Counted(MirrorCounter::replies_ignored) > 0; }));
  size_t rounds = 0;
  for (; Counted(MirrorCounter::cx_flood) == 0 && rounds < 20'000; ++rounds) {
    const uint64_t before = Count(CopyOutcome::answered_ok);
    Send(Request(2), 1, 2);
    for (int i = 0; i < 10 && Count(CopyOutcome::answered_ok) == before; ++i) {
      Round();
    }
    ASSERT_EQ(Count(CopyOutcome::answered_ok), before + 1) << "the good mirror waited for the noisy one";
  }
  EXPECT_GT(rounds, 100U);
  EXPECT_EQ(Counted(MirrorCounter::cx_flood), 1U);
  EXPECT_EQ(books.last_end[1], CopyOutcome::connection_lost);
  EXPECT_LT(noisy.bytes_written(), uint64_t{100} << 20);
}

TEST_F(MirrorReply, AnAnswerWithoutEndIsCutOff) {
  ScriptedServer server(loop);
  server.Script([&](ScriptedServer& self, Peer& peer, const Message& message) {
    ByteVector head = Reply(message.id, 20, 0);
    head[12] = 0x0f;  // 240 MiB, of 256 that a frame may have
    self.Write(peer, head);
    self.SetFlooding(ByteVector(65536));
  });
  Start({server.address()});
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::connection_lost), 1U);
  EXPECT_EQ(Counted(MirrorCounter::cx_flood), 1U);
}

}  // namespace
}  // namespace rpctee::mirror
