// The sample consumer: sends requests with arguments that no other request has, and checks each answer to the letter.
//
// One thread, one epoll set. Bounded: at most `depth` unanswered requests and a few MiB unsent on each connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "digest.h"
#include "dubbo_wire.h"
#include "latency.h"
#include "socket_stream.h"

namespace rpctee::sample {

struct ConsumerOptions {
  SocketAddress connect;
  uint64_t requests = 1000;  // 0 = until `duration_seconds` are over
  uint64_t first = 0;        // number of the first request; the argument is made from it
  uint32_t connections = 1;
  uint32_t depth = 1;            // unanswered requests on each connection
  uint64_t burst = 0;            // most requests on one connection before the next one's turn; 0 = no limit
  size_t argument_bytes = 0;     // 0 = as short as "request-<i>" is
  bool size_mix = false;         // arguments from a few bytes to 500,000 instead
  uint64_t oneway_every = 0;     // each K-th request is one-way
  uint64_t heartbeat_every = 0;  // a heartbeat before each K-th request
  double rate = 0;               // requests a second; 0 = as fast as answers come
  double duration_seconds = 0;   // stop asking after this time; 0 = no limit
  double timeout_seconds = 30;   // give up when no answer comes for so long
  bool write_split = false;      // each frame in two writes, cut at every offset in turn
  std::string interface_name = "org.apache.dubbo.samples.basic.api.DemoService";
  std::string service_version = "0.0.0";
  std::string method = "sayHello";
  std::string wire_report;  // each connection's record is written here, as one JSON array
  Attachments attachments;  // added to path and interface
};

struct ConsumerCounts {
  uint64_t asked = 0;
  uint64_t oneway = 0;
  uint64_t ok = 0;  // two-way with the right answer, and one-way that were sent
  uint64_t failed = 0;
  uint64_t unexpected = 0;  // frames that answer nothing that is open
  std::map<std::string, uint64_t> by_provider;
  std::string first_error;
  Digest arguments;
  LatencyHistogram latency;
};

class Consumer {
 public:
  static Result<std::unique_ptr<Consumer>> Open(const ConsumerOptions& options);
  // Sends and checks everything; the result is in Report(). SIGTERM or SIGINT: asks nothing more, and waits for what is
  // open.
  void Run();
  // One JSON object, on one line.
  std::string Report() const;
  // Ends the connections, and writes their records. After Run.
  Status WriteWireReport();
  bool all_ok() const { return counts_.failed == 0 && counts_.unexpected == 0; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct OpenRequest {
    uint64_t index = 0;  // which request
    Time sent;
    bool waiting = false;
  };
  // The requests of a link have the ids 0, 1, 2...; `open` holds those from `first_open` on.
  struct Link {
    explicit Link(Fd fd) : stream(std::move(fd)) {}
    SocketStream stream;
    bool alive = true;
    uint64_t first_open = 0;
    std::deque<OpenRequest> open;
    uint32_t waiting = 0;
    bool wants_write = false;
  };

  explicit Consumer(const ConsumerOptions& options);
  bool MayAsk() const;
  bool Finished() const;
  void Fill(Link& link);
  void Ask(Link& link);
  void AskHeartbeat(Link& link);
  void FlushSplit(Link& link, size_t begin);
  void FlushLink(size_t number);
  void TakeAnswers(Link& link);
  static void ForgetAnswered(Link& link);
  void TakeAnswer(Link& link, const FrameHeader& header, Bytes body);
  // Empty when the answer is the right one; else what is wrong with it.
  std::string CheckAnswer(const FrameHeader& header, Bytes body, uint64_t index);
  void GiveUp(Link& link, const std::string& why);
  void FailRequest(const std::string& why, uint64_t count = 1);
  void TakeSignal();
  void MakeArgument(uint64_t index, std::string& out) const;
  size_t ArgumentBytes(uint64_t index) const;

  ConsumerOptions options_;
  ConsumerCounts counts_;
  std::string prefix_;
  std::string suffix_;
  EpollSet epoll_;
  Fd signals_;
  bool told_to_end_ = false;
  std::vector<std::unique_ptr<Link>> links_;
  uint64_t rounds_ = 0;
  uint64_t next_ = 0;
  uint64_t waiting_ = 0;
  Time start_;
  Time last_progress_;
  Time now_;  // of this round
  double seconds_ = 0;
  std::string argument_;  // kept to reuse its memory, as is the next
  std::string text_;
};

}  // namespace rpctee::sample
