// The sample provider: answers sayHello, $echo and heartbeats, and keeps count of all that it was asked.
//
// One thread, one epoll set. Bounded: connections, bytes of a frame, and answers not yet sent (a connection with too
// many of them is not read until they are gone).
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "digest.h"
#include "dubbo_wire.h"
#include "onward.h"
#include "socket_stream.h"

namespace rpctee::sample {

struct ProviderOptions {
  SocketAddress listen;
  std::string name = "v1";
  std::string report_file;  // the closing line is also written here
  std::string wire_report;  // each connection's record is written here at the end, as one JSON array
  std::string request_log;  // each request's connection, argument's start and hash of it, as they came
  std::string time_log;     // each request's hash, and when it came on CLOCK_MONOTONIC
  std::chrono::microseconds delay{0};
  std::optional<SocketAddress> call_on;  // the service that each request's arguments and attachments go on to
  uint8_t answer_status = kStatusOk;
  bool never_read = false;  // accepts connections and leaves their bytes where they are
};

struct ProviderCounts {
  uint64_t received = 0;  // requests: two-way, one-way and $echo; no events
  uint64_t oneway = 0;
  uint64_t echo = 0;
  uint64_t events = 0;
  uint64_t bytes = 0;  // of the requests, headers included
  uint64_t connections = 0;
  uint64_t duplicate_ids = 0;
  uint64_t repeated_arguments = 0;  // among the first million different ones
  uint64_t malformed = 0;
  Digest arguments;
};

class Provider {
 public:
  static Result<std::unique_ptr<Provider>> Open(const ProviderOptions& options);
  // Runs until SIGTERM or SIGINT; SIGUSR1 prints the report.
  Status Run();

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Connection {
    explicit Connection(Fd fd) : stream(std::move(fd)) {}
    SocketStream stream;
    std::string local_ip;
    std::string peer;
    RecentIds ids;
    size_t delayed_bytes = 0;
    uint32_t interest = EPOLLIN;
  };
  struct DelayedAnswer {
    Time due;
    uint64_t connection;
    std::string frame;
  };

  explicit Provider(const ProviderOptions& options) : options_(options) {}
  void Accept();
  void Serve(uint64_t number, uint32_t events);
  bool TakeFrames(Connection& connection, uint64_t number);
  bool TakeFrame(Connection& connection, uint64_t number, const FrameHeader& header, Bytes body);
  void CountRequest(Connection& connection, const FrameHeader& header);
  void AppendReply(const Connection& connection, const FrameHeader& header, uint8_t status, std::string& out) const;
  void Drop(uint64_t number);
  void UpdateInterest(Connection& connection, uint64_t number);
  void SendDueAnswers();
  int WaitMilliseconds() const;
  std::string Report() const;
  Status WriteReport();
  Status WriteWireReport();

  ProviderOptions options_;
  ProviderCounts counts_;
  Fd listener_;
  Fd signals_;
  EpollSet epoll_;
  std::unique_ptr<Onward> onward_;
  std::ofstream request_log_;
  std::ofstream time_log_;
  nlohmann::ordered_json wire_records_ = nlohmann::ordered_json::array();
  uint64_t next_number_ = 0;
  std::unordered_map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::deque<DelayedAnswer> delayed_;  // in the order of `due`, as the delay is the same for all
  std::unordered_set<uint64_t> arguments_seen_;
  Call call_;  // of the frame in hand; kept to reuse its memory
};

}  // namespace rpctee::sample
