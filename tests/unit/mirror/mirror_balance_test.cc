// Random misbehaviour of several mirrors at once: whatever happens, each Send ends exactly once.
#include <random>

#include "mirror_fixture.h"

namespace rpctee::mirror {
namespace {

using Peer = ScriptedServer::Peer;
using Message = ScriptedServer::Message;

class Chaos {
 public:
  explicit Chaos(uint32_t seed) : random_(seed) {}
  uint32_t Below(uint32_t limit) { return static_cast<uint32_t>(random_()) % limit; }

  void operator()(ScriptedServer& server, Peer& peer, const Message& message) {
    switch (Below(200)) {
      case 0:
        return server.Drop(peer);
      case 1:
        return server.Reset(peer);
      case 2:
        return server.HalfClose(peer);
      case 3:
        return server.Write(peer, PatternBody(message.id, Below(100)));
      case 4:
        return server.Write(peer, ReadonlyEvent());
      case 5:
        return server.Write(peer, Heartbeat(message.id));
      case 6:
        return server.Write(peer, Request(message.id));
      case 7:
        return server.Write(peer, Reply(message.id ^ Below(16), 20, Below(100'000)));
      case 8: {
        const ByteVector reply = Reply(message.id, 20, 50);
        server.Write(peer, ByteVector(reply.begin(), reply.begin() + Below(66)));
        peer.close_when_written = true;
        return;
      }
      case 9:
      case 10:
        return;  // never answers
      default:
        if (message.WantsAnswer()) {
          server.Write(peer, Reply(message.id, Below(10) == 0 ? 80 : 20, Below(200)));
        }
    }
  }

 private:
  std::mt19937 random_;
};

class MirrorBalanceRuns : public MirrorTest, public ::testing::WithParamInterface<uint32_t> {};

TEST_P(MirrorBalanceRuns, EverySendEndsExactlyOnceWhateverTheMirrorsDo) {
  Chaos chaos(GetParam());
  options.reply_timeout = milliseconds(60);
  options.connect_timeout = milliseconds(50);
  options.reconnect_min = milliseconds(1);
  options.reconnect_max = milliseconds(8);
  options.max_buffer_bytes = 300'000;
  options.max_in_flight = 500;
  options.connections_per_endpoint = 1 + GetParam() % 3;
  std::vector<std::unique_ptr<ScriptedServer>> servers;
  for (int i = 0; i < 4; ++i) {
    servers.push_back(std::make_unique<ScriptedServer>(loop));
    servers.back()->SetKeepingFrames(false);
    servers.back()->Script(std::ref(chaos));
  }
  const SocketAddress dead = DeadAddress(loop);
  mirror = std::make_unique<Mirror>(loop, books, options);
  const auto set_clusters = [&] {
    std::vector<route::Cluster> clusters(2);
    for (route::Cluster& cluster : clusters) {
      for (const auto& server : servers) {
        if (chaos.Below(4) != 0) {
          cluster.endpoints.push_back({server->address(), 1, chaos.Below(8) != 0});
        }
      }
      cluster.endpoints.push_back({dead, 1, true});
    }
    mirror->SetClusters(clusters);
  };
  set_clusters();
  const TimePoint end = Clock::now() + milliseconds(1500);
  while (Clock::now() < end) {
    for (uint32_t i = chaos.Below(60); i > 0; --i) {
      const size_t bytes = chaos.Below(100) == 0 ? chaos.Below(400'000) : chaos.Below(600);
      const uint64_t id = next_id++;
      Send(chaos.Below(5) == 0 ? Oneway(id, bytes) : Request(id, bytes), chaos.Below(3), static_cast<uint32_t>(id));
    }
    if (chaos.Below(100) == 0) {
      set_clusters();
    }
    if (chaos.Below(40) == 0) {
      servers[chaos.Below(4)]->SetReading(chaos.Below(2) == 0);
    }
    Round(milliseconds(1));
    ASSERT_EQ(mirror->in_flight(), sends - books.Ended());
  }
  EXPECT_TRUE(RunUntilAllEnded(seconds(3)));
  for (const auto& [rule, ends] : books.ends_by_rule) {
    ASSERT_EQ(ends, 1U) << "rule " << rule;
    const bool answered = books.last_end[rule] == CopyOutcome::answered_ok ||
                          books.last_end[rule] == CopyOutcome::answered_error ||
                          books.last_end[rule] == CopyOutcome::oneway_sent;
    ASSERT_TRUE(!answered || books.sent_by_rule[rule] == 1) << "answered, but never sent";
  }
  EXPECT_EQ(books.ends_by_rule.size(), sends);
  EXPECT_GT(Count(CopyOutcome::answered_ok), 100U) << "the test should also see good days";
  EXPECT_GT(Count(CopyOutcome::connection_lost), 0U);
  EXPECT_GT(Count(CopyOutcome::timed_out), 0U);
  size_t received = 0;
  for (const auto& server : servers) {
    received += server->requests();
  }
  EXPECT_LE(received, sends);
}

INSTANTIATE_TEST_SUITE_P(Seeds, MirrorBalanceRuns, ::testing::Range(uint32_t{1}, uint32_t{7}));

}  // namespace
}  // namespace rpctee::mirror
