// The other end of what is measured: takes connections, reads Dubbo requests, and answers each if it is told to.
//
// Owns a thread, pinned to a CPU of its own, and its sockets. Start and the destructor are for one thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <thread>
#include <vector>

#include "base/address.h"
#include "base/fd.h"
#include "base/result.h"

namespace rpctee::bench {

class Sink {
 public:
  // Listens on a port of its own at the loopback address of the caller's network namespace.
  static Result<std::unique_ptr<Sink>> Start(int cpu, bool answers);
  ~Sink();
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  const SocketAddress& address() const { return address_; }
  // Any thread.
  uint64_t received_bytes() const { return received_bytes_.load(std::memory_order_relaxed); }

 private:
  struct Client {
    explicit Client(Fd socket) : fd(std::move(socket)), buffer(kReadBytes) {}
    Fd fd;
    std::vector<uint8_t> buffer;
    size_t have = 0;
  };

  Sink(Fd listener, Fd epoll, SocketAddress address, bool answers)
      : listener_(std::move(listener)), epoll_(std::move(epoll)), address_(address), answers_(answers) {}
  void Run();
  void Accept();
  // False when the connection is over.
  bool Serve(Client& client);
  void Answer(const uint8_t* request);
  bool SendAnswers(int fd);

  static constexpr size_t kReadBytes = size_t{512} << 10;
  Fd listener_;
  Fd epoll_;
  SocketAddress address_;
  const bool answers_;
  std::map<int, std::unique_ptr<Client>> clients_;
  std::vector<uint8_t> unsent_;
  std::atomic<uint64_t> received_bytes_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace rpctee::bench
