// A Mirror with short times, an observer that keeps the books, and verbs that make a test a few lines.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "frames.h"
#include "mirror/mirror.h"
#include "scripted_server.h"

namespace rpctee::mirror {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Books final : public MirrorObserver {
 public:
  void OnCopySent(uint32_t rule, const SocketAddress&) override {
    ++sent;
    ++sent_by_rule[rule];
  }
  void OnCopyEnd(const CopyEnd& end) override {
    ++ends[static_cast<size_t>(end.outcome)];
    ++ends_by_rule[end.rule];
    last_end[end.rule] = end.outcome;
  }
  void OnConnectionOpened(const SocketAddress& local, const SocketAddress& remote) override {
    EXPECT_NE(local.port, 0);
    EXPECT_TRUE(open.emplace(local, remote).second);  // the kernel may use one local port for several remotes
    ++opened;
  }
  void OnConnectionClosed(const SocketAddress& local, const SocketAddress& remote, const std::string& why) override {
    EXPECT_EQ(open.erase({local, remote}), 1U) << "closed, but not open";
    reasons.push_back(why);
  }
  void OnEndpointOut(const SocketAddress&, Duration time) override {
    ++outs;
    last_out = time;
  }
  void OnEndpointBack(const SocketAddress&) override { ++backs; }
  void OnConnectFailed(const SocketAddress&, const std::string& why) override { connect_failures.push_back(why); }

  uint64_t Count(CopyOutcome outcome) const { return ends[static_cast<size_t>(outcome)]; }
  uint64_t Ended() const { return std::accumulate(ends.begin(), ends.end(), uint64_t{0}); }

  uint64_t sent = 0;
  std::array<uint64_t, kCopyOutcomes> ends{};
  std::map<uint32_t, uint64_t> sent_by_rule;
  std::map<uint32_t, uint64_t> ends_by_rule;
  std::map<uint32_t, CopyOutcome> last_end;
  std::set<std::pair<SocketAddress, SocketAddress>> open;
  uint64_t opened = 0;
  uint64_t outs = 0;
  Duration last_out{};
  uint64_t backs = 0;
  std::vector<std::string> reasons;
  std::vector<std::string> connect_failures;
};

class MirrorTest : public ::testing::Test {
 protected:
  MirrorTest() : loop(std::move(*EventLoop::Create())) {
    options.connect_timeout = milliseconds(300);
    options.reply_timeout = seconds(5);
    options.reconnect_min = milliseconds(20);
    options.reconnect_max = milliseconds(200);
    // What most tests do to a mirror is more than it is forgiven by default.
    options.ejection.consecutive_failures = 0;
    options.ejection.consecutive_exhausted = 0;
  }
  ~MirrorTest() override {
    if (mirror != nullptr) {
      mirror->Stop();
      EXPECT_EQ(mirror->in_flight(), 0U);
      EXPECT_EQ(books.Ended(), sends) << "every Send must end exactly once";
      EXPECT_TRUE(books.open.empty()) << "every opened connection must be closed";
      EXPECT_LE(books.sent, sends);
    }
  }

  static route::Cluster ClusterOf(const std::vector<SocketAddress>& addresses) {
    route::Cluster cluster;
    for (const SocketAddress& address : addresses) {
      cluster.endpoints.push_back({address, 1, true});
    }
    return cluster;
  }
  void Start(const std::vector<SocketAddress>& addresses) {
    mirror = std::make_unique<Mirror>(loop, books, options);
    mirror->SetClusters({ClusterOf(addresses)});
  }
  void Send(const ByteVector& frame, uint32_t cluster = 0, uint32_t rule = 0, uint64_t hash = 0,
            TimePoint now = Clock::now()) {
    ++sends;
    const Bytes whole = frame;
    Copy copy;
    copy.cluster = cluster;
    copy.rule = rule;
    copy.hash = hash;
    copy.pieces = std::span(&whole, 1);
    copy.oneway = frame.size() > 2 && (frame[2] & 0xe0) == 0x80;
    mirror->Send(copy, now);
    ASSERT_EQ(mirror->in_flight(), sends - books.Ended());
  }
  void SendMany(size_t count, size_t body_bytes = 40) {
    for (size_t i = 0; i < count; ++i) {
      Send(Request(next_id++, body_bytes));
    }
  }
  void Round(Duration wait = milliseconds(2)) {
    if (mirror != nullptr) {
      mirror->Flush();
    }
    ASSERT_TRUE(loop.RunOnce(wait));
  }
  // False when the condition did not come true in time.
  bool RunUntil(const std::function<bool()>& done, Duration limit = seconds(10)) {
    const TimePoint end = Clock::now() + limit;
    while (!done() && Clock::now() < end) {
      Round();
    }
    return done();
  }
  bool RunUntilAllEnded(Duration limit = seconds(10)) {
    return RunUntil([this] { return mirror->in_flight() == 0; }, limit);
  }
  void RunFor(Duration time) {
    const TimePoint end = Clock::now() + time;
    while (Clock::now() < end) {
      Round();
    }
  }
  uint64_t Count(CopyOutcome outcome) const { return books.Count(outcome); }
  // Of all endpoints together.
  uint64_t Counted(MirrorCounter counter) const {
    uint64_t sum = 0;
    for (const MirrorCounts& row : mirror->Counts()) {
      sum += row.counts.at(static_cast<size_t>(counter));
    }
    return sum;
  }
  std::string State(size_t index = 0) const { return mirror->Status().at(index).state; }

  EventLoop loop;
  Books books;
  MirrorOptions options;
  std::unique_ptr<Mirror> mirror;
  uint64_t sends = 0;
  uint64_t next_id = 1;
};

// A port on which nobody listens.
inline SocketAddress DeadAddress(EventLoop& loop) {
  ScriptedServer server(loop);
  return server.address();
}

}  // namespace rpctee::mirror
