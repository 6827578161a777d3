// Loopback with an endpoint v1 that takes requests, a mirror v2 that takes copies and answers, and consumers that send.
//
// The servers have a thread of their own, and so has each consumer. Each test has a network namespace of its own.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/address.h"
#include "base/event_loop.h"
#include "base/fd.h"
#include "lab/tap/namespace_lab.h"
#include "route/snapshot.h"
#include "scripted_server.h"

namespace rpctee::agent {

// A request without its id: the copy has another one.
using Contents = std::vector<uint8_t>;

class Servers {
 public:
  static constexpr uint16_t kPort = 20'880;

  Servers();
  ~Servers();

  const SocketAddress& v1() const { return v1_address_; }
  const SocketAddress& v2() const { return v2_address_; }
  // Runs on the servers' thread, and waits for it.
  void Call(const std::function<void(mirror::ScriptedServer& v1, mirror::ScriptedServer& v2)>& work);
  // What v2 received, sorted.
  std::vector<Contents> Copies();

 private:
  void Run();

  EventLoop loop_;
  std::unique_ptr<mirror::ScriptedServer> v1_server_;
  std::unique_ptr<mirror::ScriptedServer> v2_server_;
  SocketAddress v1_address_;
  SocketAddress v2_address_;
  std::mutex mutex_;  // guards work_
  std::function<void()> work_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// Threads that send requests to the endpoint over connections of their own, each request with contents of its own.
class Load {
 public:
  struct Options {
    size_t threads = 2;
    size_t connections = 8;   // of each thread
    size_t requests = 1'000;  // of each thread; without a limit until Stop when 0
    size_t frame_bytes = 300;
  };
  Load(const SocketAddress& endpoint, const Options& options);
  ~Load() { Stop(); }

  // Waits until all is sent.
  void Join();
  void Stop();
  // What was sent, sorted. After Join or Stop.
  std::vector<Contents> Sent() const;

 private:
  void Send(const SocketAddress& endpoint, const Options& options, size_t thread);

  std::atomic<bool> stop_{false};
  std::vector<std::vector<Contents>> sent_;  // by thread
  std::vector<std::thread> threads_;
};

class MirrorLab : public test::NamespaceLab {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Every request to v1 goes to v2.
  std::shared_ptr<const route::Snapshot> Routes() const;

  std::unique_ptr<Servers> servers_;
};

Fd Connect(const SocketAddress& endpoint);

// False when it did not come true within many seconds.
bool WaitFor(const std::function<bool()>& condition);

}  // namespace rpctee::agent
