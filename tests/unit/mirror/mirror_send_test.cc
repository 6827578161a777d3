// Copies on their way out: bytes, ids, one-way requests, what is refused.
#include <set>

#include "mirror_fixture.h"

namespace rpctee::mirror {
namespace {

using MirrorSend = MirrorTest;

TEST_F(MirrorSend, ACopyArrivesUnchangedButForItsId) {
  ScriptedServer server(loop);
  Start({server.address()});
  const ByteVector frame = Request(0xfedcba9876543210, 200);
  Send(frame, 0, 42);
  ASSERT_TRUE(RunUntilAllEnded());
  ASSERT_EQ(server.log().size(), 1U);
  ByteVector got = server.log()[0].frame;
  EXPECT_NE(server.log()[0].id, 0xfedcba9876543210);
  std::copy_n(frame.begin() + 4, 8, got.begin() + 4);
  EXPECT_EQ(got, frame);
  EXPECT_EQ(books.sent_by_rule[42], 1U);
  EXPECT_EQ(books.last_end[42], CopyOutcome::answered_ok);
}

TEST_F(MirrorSend, IdsOnAConnectionAreUniqueHoweverManyConsumersUseTheSame) {
  ScriptedServer server(loop);
  Start({server.address()});
  for (int i = 0; i < 2000; ++i) {
    Send(Request(7));
    if (i % 50 == 0) {
      Round();
    }
  }
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 2000U);
  EXPECT_EQ(server.accepted(), 1U);
  std::set<uint64_t> ids;
  for (const auto& message : server.log()) {
    ids.insert(message.id);
  }
  EXPECT_EQ(ids.size(), 2000U);
  EXPECT_FALSE(ids.contains(0));
}

TEST_F(MirrorSend, NothingIsSentBeforeFlushAndOneFlushSendsAll) {
  ScriptedServer server(loop);
  Start({server.address()});
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  for (int i = 0; i < 100; ++i) {
    Send(Request(next_id++));
  }
  EXPECT_EQ(books.sent, 1U);
  EXPECT_GT(mirror->buffered_bytes(), 0U);
  mirror->Flush();
  EXPECT_EQ(books.sent, 101U);
  EXPECT_EQ(mirror->buffered_bytes(), 0U);
  EXPECT_EQ(mirror->in_flight(), 100U);
}

TEST_F(MirrorSend, AOnewayRequestEndsWhenItIsSent) {
  ScriptedServer server(loop);
  Start({server.address()});
  Send(Oneway(1), 0, 3);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(books.last_end[3], CopyOutcome::oneway_sent);
  EXPECT_EQ(books.sent, 1U);
  ASSERT_TRUE(RunUntil([&] { return server.requests() == 1; }));
  EXPECT_EQ(server.log()[0].flags, 0x82);
}

TEST_F(MirrorSend, OnewayRequestsSentBeforeStopStillArrive) {
  ScriptedServer server(loop);
  Start({server.address()});
  for (uint64_t i = 0; i < 500; ++i) {
    Send(Oneway(i, 1000));
  }
  ASSERT_TRUE(RunUntilAllEnded());
  mirror->Stop();
  EXPECT_TRUE(RunUntil([&] { return server.requests() == 500; }));
}

TEST_F(MirrorSend, AFrameOfAMegabyteArrivesWhole) {
  ScriptedServer server(loop);
  Start({server.address()});
  const ByteVector frame = Request(1, 1 << 20);
  Send(frame);
  SendMany(3);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 4U);
  ByteVector got = server.log()[0].frame;
  std::copy_n(frame.begin() + 4, 8, got.begin() + 4);
  EXPECT_EQ(got, frame);
}

TEST_F(MirrorSend, AFrameLongerThanTheBufferIsTakenOnlyWhenTheBufferIsEmpty) {
  options.max_buffer_bytes = 10'000;
  ScriptedServer server(loop);
  Start({server.address()});
  SendMany(1);
  Send(Request(2, 50'000), 0, 1);
  EXPECT_EQ(books.last_end[1], CopyOutcome::queue_full);
  ASSERT_TRUE(RunUntilAllEnded());
  Send(Request(3, 50'000), 0, 2);
  SendMany(1);
  EXPECT_EQ(Count(CopyOutcome::queue_full), 2U);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(books.last_end[2], CopyOutcome::answered_ok);
}

TEST_F(MirrorSend, WhatIsNotOneWholeRequestIsNeverSent) {
  ScriptedServer server(loop);
  Start({server.address()});
  ByteVector cut = Request(1);
  cut.pop_back();
  ByteVector two = Request(1);
  two += Request(2);
  const std::vector<ByteVector> frames = {{},  {0xda},       ByteVector(16),  cut,
                                          two, Heartbeat(1), ReadonlyEvent(), Reply(1)};
  for (const ByteVector& frame : frames) {
    Send(frame);
  }
  RunFor(milliseconds(20));
  EXPECT_EQ(Count(CopyOutcome::no_endpoint), frames.size());
  EXPECT_EQ(Counted(MirrorCounter::frames_refused), frames.size());
  EXPECT_EQ(server.messages(), 0U);
}

TEST_F(MirrorSend, ACopyInPiecesArrivesAsOneRequest) {
  ScriptedServer server(loop);
  Start({server.address()});
  const ByteVector frame = Request(1, 200);
  const std::array<Bytes, 4> pieces = {Bytes(frame).first(16), Bytes(frame).subspan(16, 100), Bytes(),
                                       Bytes(frame).subspan(116)};
  Copy copy;
  copy.pieces = pieces;
  ++sends;
  mirror->Send(copy, Clock::now());
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 1U);
  EXPECT_TRUE(std::equal(frame.begin() + 16, frame.end(), server.log().at(0).frame.begin() + 16));
}

TEST_F(MirrorSend, StopAbandonsWhatIsUnansweredAndWhatComesLater) {
  ScriptedServer server(loop);
  server.ScriptNothing();
  Start({server.address()});
  SendMany(10);
  RunFor(milliseconds(20));
  SendMany(5);
  mirror->Stop();
  EXPECT_EQ(mirror->in_flight(), 0U);
  EXPECT_EQ(Count(CopyOutcome::copy_abandoned), 15U);
  SendMany(2);
  mirror->SetClusters({ClusterOf({server.address()})});
  SendMany(1);
  EXPECT_EQ(Count(CopyOutcome::copy_abandoned), 18U);
}

TEST_F(MirrorSend, NoClusterAndAnEmptyClusterHaveNoEndpoint) {
  mirror = std::make_unique<Mirror>(loop, books, options);
  SendMany(1);
  mirror->SetClusters({route::Cluster{}});
  SendMany(1);
  Send(Request(1), 7);
  EXPECT_EQ(Count(CopyOutcome::no_endpoint), 3U);
}

}  // namespace
}  // namespace rpctee::mirror
