// Which endpoint of a cluster takes a copy, and what a new set of clusters changes.
#include "mirror_fixture.h"

namespace rpctee::mirror {
namespace {

using MirrorEndpoints = MirrorTest;
using Peer = ScriptedServer::Peer;
using Message = ScriptedServer::Message;

TEST_F(MirrorEndpoints, TakeTurnsExactly) {
  std::vector<std::unique_ptr<ScriptedServer>> servers;
  std::vector<SocketAddress> addresses;
  for (int i = 0; i < 40; ++i) {
    servers.push_back(std::make_unique<ScriptedServer>(loop));
    addresses.push_back(servers.back()->address());
  }
  Start(addresses);
  for (int i = 0; i < 25; ++i) {
    SendMany(40);
    Round();
  }
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 1000U);
  for (const auto& server : servers) {
    EXPECT_EQ(server->requests(), 25U);
    EXPECT_EQ(server->accepted(), 1U);
  }
}

TEST_F(MirrorEndpoints, TakeTurnsByWeightAndZeroGetsNothing) {
  ScriptedServer heavy(loop);
  ScriptedServer light(loop);
  ScriptedServer none(loop);
  route::Cluster cluster = ClusterOf({heavy.address(), light.address(), none.address()});
  cluster.endpoints[0].weight = 3;
  cluster.endpoints[2].weight = 0;
  mirror = std::make_unique<Mirror>(loop, books, options);
  mirror->SetClusters({cluster});
  SendMany(40);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(heavy.requests(), 30U);
  EXPECT_EQ(light.requests(), 10U);
  EXPECT_EQ(none.accepted(), 0U);
}

TEST_F(MirrorEndpoints, LeastRequestLeavesTheOneAloneThatDoesNotAnswer) {
  ScriptedServer good(loop);
  ScriptedServer stuck(loop);
  stuck.ScriptNothing();
  route::Cluster cluster = ClusterOf({good.address(), stuck.address()});
  cluster.load_balancing = route::LoadBalancing::kLeastRequest;
  mirror = std::make_unique<Mirror>(loop, books, options);
  mirror->SetClusters({cluster});
  for (int i = 0; i < 100; ++i) {
    SendMany(1);
    ASSERT_TRUE(RunUntil([&] { return mirror->in_flight() == stuck.requests(); }));
  }
  // Both draws must be the stuck one for it to get anything: one of four, after its first.
  EXPECT_GT(good.requests(), 55U);
}

TEST_F(MirrorEndpoints, CopiesOfOneKeyGoToOneEndpoint) {
  std::vector<std::unique_ptr<ScriptedServer>> servers;
  std::vector<SocketAddress> addresses;
  for (int i = 0; i < 4; ++i) {
    servers.push_back(std::make_unique<ScriptedServer>(loop));
    addresses.push_back(servers.back()->address());
  }
  route::Cluster cluster = ClusterOf(addresses);
  cluster.load_balancing = route::LoadBalancing::kRingHash;
  mirror = std::make_unique<Mirror>(loop, books, options);
  mirror->SetClusters({cluster});
  for (int i = 0; i < 50; ++i) {
    Send(Request(next_id++), 0, 0, 12345);
  }
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(std::count_if(servers.begin(), servers.end(), [](const auto& server) { return server->requests() == 50; }),
            1);
}

TEST_F(MirrorEndpoints, ADeadOneLosesLittleAndTheOthersTakeTheRest) {
  options.reconnect_min = seconds(5);
  options.reconnect_max = seconds(50);
  ScriptedServer good(loop);
  ScriptedServer other(loop);
  Start({good.address(), DeadAddress(loop), other.address()});
  SendMany(3);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::connection_lost), 1U);
  SendMany(100);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 102U);
  EXPECT_GE(good.requests(), 33U);
  EXPECT_GE(other.requests(), 33U);
}

TEST_F(MirrorEndpoints, AnUnhealthyOneIsNotChosen) {
  ScriptedServer good(loop);
  ScriptedServer sick(loop);
  route::Cluster cluster = ClusterOf({good.address(), sick.address()});
  cluster.endpoints[1].healthy = false;
  mirror = std::make_unique<Mirror>(loop, books, options);
  mirror->SetClusters({cluster});
  SendMany(10);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(good.requests(), 10U);
  EXPECT_EQ(sick.accepted(), 0U);
}

TEST_F(MirrorEndpoints, ClustersThatShareAnAddressShareItsConnection) {
  ScriptedServer server(loop);
  mirror = std::make_unique<Mirror>(loop, books, options);
  mirror->SetClusters({ClusterOf({server.address()}), ClusterOf({server.address()})});
  for (uint32_t i = 0; i < 10; ++i) {
    Send(Request(i), i % 2, i);
  }
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(server.accepted(), 1U);
  EXPECT_EQ(server.requests(), 10U);
}

TEST_F(MirrorEndpoints, ASwapKeepsConnectionsThatAreStillNamedAndTheirCopies) {
  ScriptedServer stays(loop);
  ScriptedServer goes(loop);
  ScriptedServer comes(loop);
  std::vector<uint64_t> owed;
  stays.Script([&](ScriptedServer&, Peer&, const Message& message) { owed.push_back(message.id); });
  goes.ScriptNothing();
  Start({stays.address(), goes.address()});
  SendMany(4);
  ASSERT_TRUE(RunUntil([&] { return owed.size() == 2 && goes.requests() == 2; }));
  // The order and the index change; the address that stays keeps its connection.
  mirror->SetClusters({ClusterOf({comes.address()}), ClusterOf({stays.address()})});
  EXPECT_EQ(Count(CopyOutcome::connection_lost), 2U);
  EXPECT_EQ(mirror->in_flight(), 2U);
  EXPECT_TRUE(RunUntil([&] { return goes.peers().empty(); }));
  for (const uint64_t id : owed) {
    stays.WriteAll(Reply(id));
  }
  Send(Request(9), 0, 0);
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(Count(CopyOutcome::answered_ok), 3U);
  EXPECT_EQ(stays.accepted(), 1U);
  EXPECT_EQ(comes.requests(), 1U);
  EXPECT_EQ(mirror->Status().size(), 2U);
}

TEST_F(MirrorEndpoints, NothingReachesAnEndpointAfterItWasRemoved) {
  ScriptedServer server(loop);
  server.SetReceiveBuffer(4096);
  server.SetReading(false);
  Start({server.address()});
  SendMany(100, 60'000);
  RunFor(milliseconds(50));
  mirror->SetClusters({});
  EXPECT_EQ(mirror->in_flight(), 0U);
  const uint64_t sent = books.sent;
  server.SetReading(true);
  RunFor(milliseconds(100));
  // The close was a reset, so what the kernel still held is gone with it.
  EXPECT_LT(server.requests(), 100U);
  EXPECT_LE(server.requests(), sent);
  EXPECT_TRUE(server.peers().empty());
  SendMany(1);
  EXPECT_EQ(Count(CopyOutcome::no_endpoint), 1U);
}

TEST_F(MirrorEndpoints, OneRemovedBetweenSendAndFlushLeavesNothingBehind) {
  ScriptedServer server(loop);
  Start({server.address()});
  SendMany(1);
  ASSERT_TRUE(RunUntilAllEnded());
  SendMany(1);
  mirror->SetClusters({});
  mirror->Flush();
  EXPECT_EQ(Count(CopyOutcome::connection_lost), 1U);
  EXPECT_EQ(mirror->buffered_bytes(), 0U);
}

TEST_F(MirrorEndpoints, ChurnNeitherLeaksNorReconnects) {
  ScriptedServer stays(loop);
  ScriptedServer flaps(loop);
  Start({stays.address()});
  for (int i = 0; i < 300; ++i) {
    std::vector<SocketAddress> addresses = {stays.address()};
    if (i % 2 == 0) {
      addresses.push_back(flaps.address());
    }
    mirror->SetClusters({ClusterOf(addresses)});
    SendMany(2);
    Round();
  }
  ASSERT_TRUE(RunUntilAllEnded());
  EXPECT_EQ(stays.accepted(), 1U);
  EXPECT_EQ(books.open.size(), 1U);
}

TEST_F(MirrorEndpoints, AManyThousandDeadEndpointsCostNothingForEachCopy) {
  options.reconnect_min = seconds(20);
  options.reconnect_max = seconds(60);
  std::vector<SocketAddress> addresses;
  for (uint32_t i = 0; i < 10'000; ++i) {
    SocketAddress address = *SocketAddress::Parse("127.0.0.1:1");
    address.ip.bytes[13] = static_cast<uint8_t>(1 + i / 250);
    address.ip.bytes[14] = static_cast<uint8_t>(i % 250);
    addresses.push_back(address);
  }
  Start(addresses);
  while (Count(CopyOutcome::no_endpoint) == 0 && sends < 20'000) {
    SendMany(1);
    Round(Duration(0));
  }
  ASSERT_EQ(Count(CopyOutcome::no_endpoint), 1U);
  const TimePoint begin = Clock::now();
  SendMany(100'000);
  EXPECT_LT(Clock::now() - begin, seconds(2));
  EXPECT_EQ(Counted(MirrorCounter::cx_connect_fail), 10'000U);
}

}  // namespace
}  // namespace rpctee::mirror
