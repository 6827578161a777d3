// A mirror slower than the copies: limits hold, memory stays flat, others do not notice.
#include <malloc.h>

#include "mirror_fixture.h"

namespace rpctee::mirror {
namespace {

using MirrorBackpressure = MirrorTest;
using Peer = ScriptedServer::Peer;
using Message = ScriptedServer::Message;

TEST_F(MirrorBackpressure, AMirrorThatNeverReadsCostsItsLimitAndNoMore) {
  options.max_buffer_bytes = 1 << 20;
  ScriptedServer stuck(loop);
  ScriptedServer good(loop);
  stuck.SetReceiveBuffer(4096);
  stuck.SetReading(false);
  good.SetKeepingFrames(false);
  mirror = std::make_unique<Mirror>(loop, books, options);
  mirror->SetClusters({ClusterOf({stuck.address()}), ClusterOf({good.address()})});
  const ByteVector frame = Request(1, 10'000);
  size_t heap_after_warm_up = 0;
  uint64_t good_sent = 0;
  for (int i = 0; i < 20'000; ++i) {
    Send(frame, 0, 0);
    if (i % 10 == 0) {
      Send(frame, 1, 1);
      ++good_sent;
      Round(Duration(0));
    }
    ASSERT_LE(mirror->buffered_bytes(), options.max_buffer_bytes * 2);
    if (i == 5'000) {
      heap_after_warm_up = mallinfo2().uordblks;
    }
  }
  EXPECT_LT(mallinfo2().uordblks, heap_after_warm_up + (1 << 20));
  EXPECT_GT(Count(CopyOutcome::queue_full), 18'000U);
  EXPECT_TRUE(RunUntil([&] { return Count(CopyOutcome::answered_ok) == good_sent; }));
}

TEST_F(MirrorBackpressure, AMirrorThatStopsReadingForGoodIsGivenUpAfterTheUserTimeout) {
  options.user_timeout = milliseconds(500);
  options.reply_timeout = seconds(60);
  options.max_buffer_bytes = 64 << 20;
  ScriptedServer server(loop);
  server.SetReceiveBuffer(4096);
  server.SetReading(false);
  Start({server.address()});
  SendMany(400, 30'000);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::connection_lost), 400U);
  EXPECT_EQ(State(), "backing off");
}

TEST_F(MirrorBackpressure, TheNewestCopiesAreDroppedAndTheOldOnesArriveInOrder) {
  options.max_buffer_bytes = 200'000;
  ScriptedServer server(loop);
  server.SetReceiveBuffer(256 << 10);
  server.SetReading(false);
  Start({server.address()});
  uint32_t rule = 0;
  for (; Count(CopyOutcome::queue_full) < 10 && rule < 10'000; ++rule) {
    Send(Request(rule, 9'000), 0, rule);
    Round(Duration(0));
  }
  server.SetReading(true);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok) + Count(CopyOutcome::queue_full), rule);
  std::vector<uint32_t> taken;
  for (const auto& [which, outcome] : books.last_end) {
    if (outcome == CopyOutcome::answered_ok) {
      taken.push_back(which);
    }
  }
  ASSERT_EQ(taken.size(), server.log().size());
  uint64_t last_id = 0;
  for (size_t i = 0; i < taken.size(); ++i) {
    const ByteVector& frame = server.log()[i].frame;
    EXPECT_EQ(ByteVector(frame.begin() + 16, frame.end()), PatternBody(taken[i], 9'000));
    EXPECT_GT(server.log()[i].id, last_id);
    last_id = server.log()[i].id;
  }
}

TEST_F(MirrorBackpressure, UnansweredCopiesAreLimitedToo) {
  options.max_in_flight = 100;
  ScriptedServer server(loop);
  std::vector<uint64_t> ids;
  server.Script([&](ScriptedServer&, Peer&, const Message& message) { ids.push_back(message.id); });
  Start({server.address()});
  SendMany(150);
  EXPECT_EQ(Count(CopyOutcome::queue_full), 50U);
  ASSERT_TRUE(RunUntil([&] { return ids.size() == 100; }));
  SendMany(1);
  EXPECT_EQ(Count(CopyOutcome::queue_full), 51U);
  server.WriteAll(Reply(ids[50]));
  ASSERT_TRUE(RunUntil([&] { return mirror->in_flight() == 99; }));
  SendMany(2);
  EXPECT_EQ(Count(CopyOutcome::queue_full), 52U);
}

TEST_F(MirrorBackpressure, AnEndpointAtItsLimitKeepsItsTurn) {
  options.max_in_flight = 10;
  ScriptedServer silent(loop);
  ScriptedServer good(loop);
  silent.ScriptNothing();
  Start({silent.address(), good.address()});
  for (int i = 0; i < 100; ++i) {
    SendMany(2);
    ASSERT_TRUE(RunUntil([&] { return Count(CopyOutcome::answered_ok) == static_cast<uint64_t>(i + 1); }));
  }
  EXPECT_EQ(Count(CopyOutcome::queue_full), 90U);
}

TEST_F(MirrorBackpressure, AHeartbeatFloodToAFullBufferIsBounded) {
  options.max_buffer_bytes = 50'000;
  ScriptedServer server(loop);
  server.ScriptNothing();
  server.SetReceiveBuffer(4096);
  Start({server.address()});
  SendMany(1);
  ASSERT_TRUE(RunUntil([&] { return server.requests() == 1; }));
  server.SetReading(false);
  ByteVector beats;
  for (uint64_t i = 0; i < 500; ++i) {
    beats += Heartbeat(i);
  }
  server.SetFlooding(beats);
  EXPECT_TRUE(RunUntil([&] {
    EXPECT_LE(mirror->buffered_bytes(), 50'000U);
    return Counted(MirrorCounter::heartbeats_dropped) > 10'000;
  }));
}

}  // namespace
}  // namespace rpctee::mirror
