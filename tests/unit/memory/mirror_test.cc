// The relay in steady state asks the heap for nothing: copies out and answers in, in every form.
#include "mirror/mirror.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "base/fd.h"
#include "support/counted_heap.h"
#include "support/thrift_frames.h"
#include "unit/mirror/frames.h"

namespace rpctee::mirror {
namespace {

using std::chrono::milliseconds;

// A peer without a thread and without allocations of its own: answers what the test tells it to, from a fixed buffer.
class QuietServer {
 public:
  QuietServer() {
    listener_.Reset(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage name{};
    SocketAddress wanted = *SocketAddress::Parse("127.0.0.1:1");
    wanted.port = 0;
    socklen_t length = wanted.ToSockaddr(name);
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<sockaddr*>(&name), length), 0);
    EXPECT_EQ(listen(listener_.get(), 1), 0);
    EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&name), &length), 0);
    address = SocketAddress::FromSockaddr(name);
  }
  void Accept() { peer_.Reset(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)); }
  // Takes one request and sends the answer with the request's id.
  void Answer(size_t request_bytes, size_t id_at, size_t id_bytes, std::span<uint8_t> answer, size_t answer_id_at) {
    ASSERT_EQ(recv(peer_.get(), buffer_.data(), request_bytes, MSG_WAITALL), static_cast<ssize_t>(request_bytes));
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(id_at), id_bytes,
                answer.begin() + static_cast<std::ptrdiff_t>(answer_id_at));
    ASSERT_EQ(send(peer_.get(), answer.data(), answer.size(), MSG_NOSIGNAL), static_cast<ssize_t>(answer.size()));
  }

  SocketAddress address;

 private:
  Fd listener_;
  Fd peer_;
  std::array<uint8_t, 4096> buffer_{};
};

// Keeps no books but two counters.
class Counter final : public MirrorObserver {
 public:
  void OnCopySent(uint32_t, const SocketAddress&) override { ++sent; }
  void OnCopyEnd(const CopyEnd& end) override { ok += end.outcome == CopyOutcome::answered_ok ? 1 : 0; }
  void OnConnectionOpened(const SocketAddress&, const SocketAddress&) override {}
  void OnConnectionClosed(const SocketAddress&, const SocketAddress&, const std::string&) override {}
  uint64_t sent = 0;
  uint64_t ok = 0;
};

struct Exchange {
  Content protocol;
  ByteVector request;
  size_t id_at;
  size_t id_bytes;
  ByteVector answer;
  size_t answer_id_at;
};

void ExpectNoAllocations(Exchange exchange) {
  EventLoop loop = std::move(*EventLoop::Create());
  Counter counter;
  QuietServer server;
  // Setting the next timer does allocate, once in a reply timeout, however slow this machine is now.
  MirrorOptions options;
  options.reply_timeout = std::chrono::minutes(10);
  Mirror mirror(loop, counter, options);
  route::Cluster cluster;
  cluster.endpoints.push_back({server.address, 1, true});
  mirror.SetClusters({cluster});
  const Bytes whole = exchange.request;
  Copy copy;
  copy.protocol = exchange.protocol;
  copy.pieces = std::span(&whole, 1);
  const auto exchange_one = [&] {
    mirror.Send(copy, Clock::now());
    const uint64_t sent = counter.sent;
    for (mirror.Flush(); counter.sent == sent;) {
      ASSERT_TRUE(loop.RunOnce(milliseconds(10)));
    }
    if (sent == 0) {
      server.Accept();
    }
    server.Answer(exchange.request.size(), exchange.id_at, exchange.id_bytes, exchange.answer, exchange.answer_id_at);
    for (const uint64_t ok = counter.ok; counter.ok == ok;) {
      ASSERT_TRUE(loop.RunOnce(milliseconds(10)));
    }
  };
  for (int i = 0; i < 100; ++i) {
    exchange_one();
  }
  const size_t before = test::HeapAllocations();
  for (int i = 0; i < 10'000; ++i) {
    exchange_one();
  }
  EXPECT_EQ(test::HeapAllocations() - before, 0U);
  EXPECT_EQ(counter.ok, 10'100U);
}

TEST(MirrorAllocation, DubboCopiesAndTheirAnswersAllocateNothing) {
  ExpectNoAllocations({Content::kDubbo, Request(1, 300), 4, 8, Reply(1, 20, 100), 4});
}

TEST(MirrorAllocation, FramedThriftCopiesAndTheirAnswersAllocateNothing) {
  const ByteVector answer = {0x80, 1, 0, 2, 0, 0, 0, 3, 's', 'a', 'y', 0, 0, 0, 0, 0};
  ExpectNoAllocations({Content::kThriftFramed, test::ThriftFrame(test::ThriftBinary(1, "say", ByteVector(300, 'x'))),
                       15, 4, test::ThriftFrame(answer), 15});
}

TEST(MirrorAllocation, UnframedThriftCopiesAndTheirAnswersAllocateNothing) {
  const ByteVector answer = {0x80, 1, 0, 2, 0, 0, 0, 3, 's', 'a', 'y', 0, 0, 0, 0, 0};
  ExpectNoAllocations(
      {Content::kThriftUnframed, test::ThriftBinary(1, "say", ByteVector(300, 'x')), 11, 4, answer, 11});
}

}  // namespace
}  // namespace rpctee::mirror
