// What is beyond the agent's budget is dropped by name, and the memory in use is known whatever happens.
#include "mirror_fixture.h"

namespace rpctee::mirror {
namespace {

using MirrorBudget = MirrorTest;
using Peer = ScriptedServer::Peer;
using Message = ScriptedServer::Message;

TEST_F(MirrorBudget, CopiesBeyondTheRateEndAsOverBudget) {
  options.budget = std::make_shared<AgentBudget>(RateLimits{.requests_per_second = 100}, 0);
  ScriptedServer server(loop);
  Start({server.address()});
  SendMany(50);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_GE(Count(CopyOutcome::answered_ok), 11U);  // a tenth of a second's worth, and what time has brought
  EXPECT_GT(Count(CopyOutcome::over_budget), 0U);
  EXPECT_EQ(Count(CopyOutcome::answered_ok) + Count(CopyOutcome::over_budget), 50U);
}

TEST_F(MirrorBudget, TwoWorkersShareOneAccount) {
  options.budget = std::make_shared<AgentBudget>(RateLimits{.bytes_per_second = 10'000}, 0);
  ScriptedServer server(loop);
  Start({server.address()});
  SendMany(1, 60'000);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 1U);
  Books others;
  Mirror other(loop, others, options);
  other.SetClusters({ClusterOf({server.address()})});
  const ByteVector frame = Request(7);
  const Bytes whole = frame;
  Copy copy;
  copy.pieces = std::span(&whole, 1);
  other.Send(copy, Clock::now());
  EXPECT_EQ(others.Count(CopyOutcome::over_budget), 1U);
}

TEST_F(MirrorBudget, UnsentBytesOfAllConnectionsShareTheMemory) {
  options.budget = std::make_shared<AgentBudget>(RateLimits(), 1 << 20);
  ScriptedServer one(loop);
  ScriptedServer other(loop);
  for (ScriptedServer* server : {&one, &other}) {
    server->SetReceiveBuffer(4096);
    server->SetReading(false);
  }
  Start({one.address(), other.address()});
  RunFor(milliseconds(5));
  SendMany(400, 20'000);
  EXPECT_GT(Count(CopyOutcome::over_budget), 300U);
  EXPECT_LE(options.budget->memory(), 1U << 20);
  EXPECT_EQ(options.budget->memory(), mirror->buffered_bytes());
  one.SetReading(true);
  other.SetReading(true);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(options.budget->memory(), 0U);
}

TEST_F(MirrorBudget, MemoryIsGivenBackByTimeoutsClosesAndRemovals) {
  options.budget = std::make_shared<AgentBudget>(RateLimits(), 0);
  options.reply_timeout = milliseconds(50);
  ScriptedServer deaf(loop);
  deaf.SetReceiveBuffer(4096);
  deaf.SetReading(false);
  Start({deaf.address()});
  SendMany(100, 60'000);
  RunFor(milliseconds(10));
  EXPECT_GT(options.budget->memory(), 0U);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(options.budget->memory(), mirror->buffered_bytes());
  SendMany(10, 60'000);
  EXPECT_GT(options.budget->memory(), 0U);
  mirror->SetClusters({});
  EXPECT_EQ(options.budget->memory(), 0U);
}

}  // namespace
}  // namespace rpctee::mirror
