// Records of real traffic: requests over loopback, through the program and the ring, to the worker's side of the tap.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <map>
#include <thread>

#include "base/capture.h"
#include "bpf/abi/abi.h"
#include "lab/tap/namespace_lab.h"
#include "support/dubbo_frames.h"
#include "tap/ring.h"
#include "tap/tap.h"

namespace rpctee::tap {
namespace {

using ::testing::SizeIs;

constexpr uint16_t kPort = 20'880;

// A TCP connection over loopback to a listener of its own.
class Loopback {
 public:
  Loopback() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(kPort);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    const int yes = 1;
    Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    EXPECT_EQ(::bind(listener.get(), generic, sizeof(address)), 0);
    EXPECT_EQ(::listen(listener.get(), 1), 0);
    client_.Reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(client_.get(), generic, sizeof(address)), 0);
    server_.Reset(::accept(listener.get(), nullptr, nullptr));
    EXPECT_TRUE(server_.valid());
  }
  // Sends, and waits until the other side has read it all.
  void Send(Bytes bytes) {
    std::vector<uint8_t> sink(65'536);
    size_t sent = 0;
    size_t read = 0;
    while (read < bytes.size()) {
      if (sent < bytes.size()) {
        const ssize_t now = ::send(client_.get(), bytes.data() + sent, bytes.size() - sent, MSG_DONTWAIT);
        sent += now > 0 ? static_cast<size_t>(now) : 0;
      }
      const ssize_t now = ::recv(server_.get(), sink.data(), sink.size(), sent == bytes.size() ? 0 : MSG_DONTWAIT);
      read += now > 0 ? static_cast<size_t>(now) : 0;
    }
  }
  static SocketAddress server_address() { return SocketAddress::Parse("127.0.0.1:20880").value(); }
  SocketAddress client_address() const {
    sockaddr_storage address{};
    socklen_t length = sizeof(address);
    EXPECT_EQ(::getsockname(client_.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    return SocketAddress::FromSockaddr(address);
  }

 private:
  Fd client_;
  Fd server_;
};

class RingLab : public test::NamespaceLab {
 protected:
  void SetUp() override {
    NamespaceLab::SetUp();
    if (!IsSkipped()) {
      Open(1U << 20);
    }
  }
  void TearDown() override {
    tap_.reset();
    NamespaceLab::TearDown();
  }
  void Open(uint32_t ring_bytes) {
    tap_.reset();
    auto tap = Tap::Open({.ring_bytes = ring_bytes});
    ASSERT_TRUE(tap) << tap.error().message;
    tap_ = std::move(*tap);
    const auto endpoint = SocketAddress::Parse("127.0.0.1:20880");
    ASSERT_TRUE(tap_->SetEndpoints({{*endpoint, RPCTEE_THRESHOLD_ALL}}));
    const auto attached = tap_->Attach(Index("lo"), Direction::kEgress, AttachMode::kAuto);
    ASSERT_TRUE(attached) << attached.error().message;
    tap_->Heartbeat(0);
  }
  // Takes what there is; returns the number of records. Requests that are whole go to requests_.
  size_t Drain() {
    size_t sum = 0;
    for (size_t records = 1; records != 0; sum += records) {
      records = DrainOnce(1'000'000);
    }
    return sum;
  }
  size_t DrainOnce(size_t max_records) {
    const Result<size_t> records = tap_->Drain(0, max_records, [this](const CapturedRecord& record) {
      const auto& part = std::get<CapturedPart>(record);
      last_flow_ = part.flow;
      if (part.is_cut) {
        ++cuts_;
        open_.clear();
        return;
      }
      EXPECT_EQ(part.offset, open_.size());
      open_.insert(open_.end(), part.bytes.begin(), part.bytes.end());
      if (open_.size() == part.frame_bytes) {
        requests_.push_back(std::move(open_));
        open_.clear();
      }
    });
    EXPECT_TRUE(records) << records.error().message;
    return records.value_or(0);
  }
  uint64_t Counter(std::string_view name) const {
    const Result<std::vector<TapCounter>> counters = tap_->Counters();
    for (const TapCounter& counter : *counters) {
      if (counter.name == name) {
        return counter.value;
      }
    }
    ADD_FAILURE() << "no counter " << name;
    return 0;
  }
  bool Readable() const {
    pollfd poll_fd{.fd = tap_->ring_fd(0), .events = POLLIN, .revents = 0};
    return ::poll(&poll_fd, 1, 0) == 1;
  }

  std::unique_ptr<Tap> tap_;
  Flow last_flow_;
  std::vector<uint8_t> open_;
  std::vector<std::vector<uint8_t>> requests_;
  size_t cuts_ = 0;
};

TEST_F(RingLab, ARequestArrivesByteForByteWithItsFlow) {
  Loopback connection;
  const std::vector<uint8_t> request = test::DubboRequest(1, 500);
  connection.Send(request);
  EXPECT_EQ(Drain(), 1U);
  ASSERT_THAT(requests_, SizeIs(1));
  EXPECT_EQ(requests_[0], request);
  EXPECT_EQ(last_flow_.source, connection.client_address());
  EXPECT_EQ(last_flow_.destination.ToString(), "127.0.0.1:20880");
  EXPECT_EQ(Drain(), 0U);
}

TEST_F(RingLab, TellsWhatShareOfItRecordsFill) {
  Open(65'536);
  EXPECT_EQ(tap_->Filled(0), 0.0);
  Loopback connection;
  connection.Send(test::DubboRequest(1, 13'000));
  EXPECT_NEAR(tap_->Filled(0), 0.2, 0.005);
  connection.Send(test::DubboRequest(2, 13'000));
  EXPECT_NEAR(tap_->Filled(0), 0.4, 0.01);
  Drain();
  EXPECT_EQ(tap_->Filled(0), 0.0);
}

TEST_F(RingLab, MoreRequestsThanTheRingHoldsArriveWhileItIsRead) {
  Open(65'536);
  Loopback connection;
  size_t sent = 0;
  for (uint64_t id = 1; id <= 2'000; ++id) {
    const std::vector<uint8_t> request = test::DubboRequest(id, 200 + id * 7 % 3'000);
    connection.Send(request);
    sent += request.size();
    Drain();
    ASSERT_THAT(requests_, SizeIs(id));
    ASSERT_EQ(requests_.back(), request);
  }
  EXPECT_GT(sent, 20U * 65'536U);
  EXPECT_EQ(Counter("records"), Counter("sampled"));
  EXPECT_EQ(tap_->InvalidRecords(), 0U);
}

TEST_F(RingLab, ALongRequestComesInPartsAndStopsAtTheLimitOfACall) {
  Loopback connection;
  const std::vector<uint8_t> request = test::DubboRequest(1, 300'000);
  connection.Send(request);
  EXPECT_EQ(DrainOnce(2), 2U);
  EXPECT_THAT(requests_, SizeIs(0));
  Drain();
  ASSERT_THAT(requests_, SizeIs(1));
  EXPECT_EQ(requests_[0], request);
}

TEST_F(RingLab, ACallEndsAfterAFewLongRecordsHoweverManyItMayTake) {
  Loopback connection;
  connection.Send(test::DubboRequest(1, 300'000));
  const size_t first = DrainOnce(1'000'000);
  EXPECT_GE(first, Ring::kBatchBytes / RPCTEE_PART_MAX_BYTES);
  EXPECT_LE(first, Ring::kBatchBytes / RPCTEE_PART_MAX_BYTES + 1);
  Drain();
  EXPECT_THAT(requests_, SizeIs(1));
}

TEST_F(RingLab, AFullRingLosesWholeRequestsAndTheBooksBalance) {
  Open(16'384);
  Loopback connection;
  for (uint64_t id = 1; id <= 200; ++id) {
    connection.Send(test::DubboRequest(id, 1'000));
  }
  Drain();
  const TapTotals totals = tap_->Totals().value();
  EXPECT_EQ(totals.seen, 200U);
  EXPECT_GT(totals.ring_full, 0U);
  EXPECT_EQ(totals.seen, totals.sampled + totals.ring_full);
  EXPECT_EQ(requests_.size(), totals.sampled);
  connection.Send(test::DubboRequest(201, 1'000));
  Drain();
  EXPECT_EQ(requests_.size(), totals.sampled + 1);
}

TEST_F(RingLab, TheWorkerIsWokenOnceAndOnlyWhenItSleeps) {
  Loopback connection;
  connection.Send(test::DubboRequest(1, 200));
  EXPECT_EQ(Counter("wakeups"), 0U);
  EXPECT_FALSE(tap_->SetAsleep(0, true)) << "there is a record";
  Drain();
  ASSERT_TRUE(tap_->SetAsleep(0, true));
  EXPECT_FALSE(Readable());
  connection.Send(test::DubboRequest(2, 200));
  connection.Send(test::DubboRequest(3, 200));
  EXPECT_TRUE(Readable());
  EXPECT_EQ(Counter("wakeups"), 1U);
  tap_->SetAsleep(0, false);
  EXPECT_EQ(Drain(), 2U);
}

TEST_F(RingLab, NoHeartbeatMeansNoRecords) {
  Loopback connection;
  connection.Send(test::DubboRequest(1, 200));
  EXPECT_EQ(Drain(), 1U);
  ASSERT_TRUE(tap_->StopSampling());
  tap_->Heartbeat(0);
  const uint64_t stale = Counter("heartbeat_stale");
  connection.Send(test::DubboRequest(2, 200));
  EXPECT_EQ(Drain(), 0U);
  EXPECT_GT(Counter("heartbeat_stale"), stale);
}

TEST_F(RingLab, OnceSamplingHasStoppedNothingMoreComesWhateverIsSent) {
  for (int round = 0; round < 5; ++round) {
    Open(1U << 20);
    std::atomic<bool> stop{false};
    std::thread beating([this, &stop] {
      while (!stop) {
        tap_->Heartbeat(0);
        std::this_thread::yield();
      }
    });
    Loopback connection;
    std::thread sending([&connection, &stop] {
      for (uint64_t id = 1; !stop; ++id) {
        connection.Send(test::DubboRequest(id, 200));
      }
    });
    while (DrainOnce(1) == 0) {
      std::this_thread::yield();
    }
    ASSERT_TRUE(tap_->StopSampling());
    const TapTotals stopped = tap_->Totals().value();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(tap_->Totals()->seen, stopped.seen);
    EXPECT_EQ(tap_->Totals()->sampled, stopped.sampled);
    stop = true;
    sending.join();
    beating.join();
    Drain();
    EXPECT_EQ(requests_.size(), stopped.sampled);
    requests_.clear();
  }
}

TEST_F(RingLab, OwnConnectionsAreNeverTapped) {
  Loopback connection;
  ASSERT_TRUE(tap_->AddOwnConnection(connection.client_address(), Loopback::server_address()));
  connection.Send(test::DubboRequest(1, 200));
  EXPECT_EQ(Drain(), 0U);
  EXPECT_GT(Counter("own_packets"), 0U);
  EXPECT_TRUE(tap_->IsOwnConnection(connection.client_address(), Loopback::server_address()));
  EXPECT_FALSE(tap_->IsOwnConnection(Loopback::server_address(), connection.client_address()));
}

TEST_F(RingLab, BothEndsAreOwnUntilTheirLastConnectionIsGone) {
  Loopback connection;
  const SocketAddress local = connection.client_address();
  ASSERT_TRUE(tap_->AddOwnConnection(local, Loopback::server_address()));
  ASSERT_TRUE(tap_->AddOwnConnection(local, Loopback::server_address()));
  tap_->RemoveOwnConnection(local, Loopback::server_address());
  connection.Send(test::DubboRequest(1, 200));
  EXPECT_EQ(Counter("records"), 0U);
  tap_->RemoveOwnConnection(local, Loopback::server_address());
  connection.Send(test::DubboRequest(2, 200));
  EXPECT_GT(Counter("records"), 0U);
}

TEST_F(RingLab, AnyEndpointTakesThePortWhateverTheAddress) {
  ASSERT_TRUE(tap_->SetEndpoints({}));
  ASSERT_TRUE(tap_->SetAnyEndpoint(kPort, RPCTEE_THRESHOLD_ALL));
  Loopback connection;
  connection.Send(test::DubboRequest(1, 200));
  EXPECT_EQ(Drain(), 1U);
}

TEST_F(RingLab, ForgottenFlowsBeginAnew) {
  Loopback connection;
  connection.Send(test::DubboRequest(1, 200));
  EXPECT_EQ(Counter("flows_created"), 1U);
  ASSERT_TRUE(tap_->ClearFlows());
  connection.Send(test::DubboRequest(2, 200));
  EXPECT_EQ(Counter("flows_created"), 2U);
  EXPECT_EQ(Drain(), 2U);
}

}  // namespace
}  // namespace rpctee::tap
