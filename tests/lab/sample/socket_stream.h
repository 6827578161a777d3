// A non-blocking TCP connection with its input and output bytes, and an epoll set that knows connections by number.
// One thread; each owns its descriptors. Neither throws; memory is bounded by what callers leave unread or unsent.
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/byte_reader.h"
#include "base/fd.h"
#include "base/result.h"
#include "wire_record.h"

namespace rpctee::sample {

class SocketStream {
 public:
  explicit SocketStream(Fd fd) : fd_(std::move(fd)) {}

  // Reads what is there, up to about 1 MiB. False when the peer closed or the connection failed.
  bool Read();
  // What was read and not consumed.
  Bytes input() const { return Bytes(input_).subspan(consumed_, filled_ - consumed_); }
  void Consume(size_t bytes) { consumed_ += bytes; }

  // Append here, then Flush.
  std::string& output() { return output_; }
  size_t unsent_bytes() const { return output_.size() - sent_; }
  // Sends what the socket takes. False when the connection failed.
  bool Flush();

  // From here on, keeps a record of what goes over the connection.
  void Record() { record_.emplace(fd_.get()); }
  std::optional<WireRecord>& record() { return record_; }
  // Says that nothing more will be sent, and reads to the peer's end or until `timeout`. False when that did not come.
  bool FinishAndRead(std::chrono::milliseconds timeout);

  int fd() const { return fd_.get(); }
  void Close() { fd_.Reset(); }

 private:
  void MakeRoom();

  Fd fd_;
  std::vector<uint8_t> input_;
  size_t consumed_ = 0;
  size_t filled_ = 0;
  std::string output_;
  size_t sent_ = 0;
  std::optional<WireRecord> record_;
};

class EpollSet {
 public:
  static Result<EpollSet> Create();
  Status Add(int fd, uint64_t number, uint32_t events);
  void Modify(int fd, uint64_t number, uint32_t events);
  // Waits at most `timeout_ms`; the events are valid until the next call.
  const std::vector<epoll_event>& Wait(int timeout_ms);

 private:
  Fd epoll_;
  std::vector<epoll_event> events_;
};

Result<Fd> Listen(const SocketAddress& address);
// Waits for the connection to be established, at most as long as TCP does.
Result<Fd> Connect(const SocketAddress& address);
// Sets non-blocking and TCP_NODELAY, as every Dubbo end does.
Status Prepare(int fd);
SocketAddress LocalAddress(int fd);
SocketAddress PeerAddress(int fd);
// A descriptor that becomes readable on SIGTERM, SIGINT and SIGUSR1, which are blocked.
Result<Fd> SignalFd();
// The next signal, 0 if there is none.
int NextSignal(int signal_fd);

}  // namespace rpctee::sample
