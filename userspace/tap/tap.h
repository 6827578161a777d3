// The tap: the BPF program with its maps, where it is attached, and the ring of records that comes out.
//
// The only folder that knows libbpf and the skeleton. Narrow on purpose: endpoints, thresholds and interfaces go in;
// records, counters and attachment states come out, as plain data, so that it can become a process of its own.
// Control thread, except where a method says otherwise. Owns the maps, pins, links and filters that it made, and
// removes them when it goes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/capture.h"
#include "base/ledger.h"
#include "base/result.h"
#include "route/snapshot.h"

namespace rpctee::tap {

enum class Direction : uint8_t { kIngress, kEgress };
enum class Hook : uint8_t { kTcx, kClsact };
enum class AttachMode : uint8_t { kAuto, kTcx, kClsact };

struct TapOptions {
  std::string pin_directory;       // below a bpffs; empty = do not pin
  uint32_t ring_bytes = 8U << 20;  // rounded up to a power of two of at least a page
  uint32_t max_flows = 65'536;
  uint32_t max_endpoints = 16'384;
  uint32_t max_own_connections = 4'096;
  uint32_t max_request_bytes = 16U << 20;
  uint32_t socket_mark = 0;  // packets with this mark are the agent's own; 0 = no test
  uint64_t heartbeat_timeout_ns = 3'000'000'000;
};

struct Attachment {
  uint32_t ifindex = 0;
  std::string interface;
  Direction direction = Direction::kEgress;
  Hook hook = Hook::kTcx;
};

// One named counter of the tap program, summed over CPUs.
struct TapCounter {
  std::string_view name;
  uint64_t value = 0;
};

class Tap {
 public:
  static Result<std::unique_ptr<Tap>> Open(const TapOptions& options);
  ~Tap();
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  // Makes the endpoint table what is given: adds, changes and removes only what differs.
  Status SetEndpoints(const std::vector<route::EndpointThreshold>& endpoints);
  // Also takes every destination on that port.
  Status SetAnyEndpoint(uint16_t port, uint64_t threshold);

  // Local addresses of the agent's own connections. Any thread.
  Status AddOwnConnection(const SocketAddress& local);
  void RemoveOwnConnection(const SocketAddress& local);

  // Attaches to an interface of the calling thread's network namespace; attaching twice is no error and changes
  // nothing. A left-over filter of an earlier run is replaced; nobody else's is touched.
  Result<Attachment> Attach(uint32_t ifindex, Direction direction, AttachMode mode);
  // Forgets an interface that is gone, or detaches from one that is there.
  void Detach(uint32_t ifindex, Direction direction);
  std::vector<Attachment> Attachments() const;

  // Tells the program that the agent is alive. Any thread; call at least every second.
  void Heartbeat();
  // Makes the program let every packet go at once, without detaching. Any thread.
  void StopSampling();

  // The worker's side of the ring: one thread.
  using OnPart = std::function<void(const CapturedPart& part)>;
  // Hands over up to `max_records` records; returns how many. The bytes are valid only inside the call.
  Result<size_t> Drain(size_t max_records, const OnPart& on_part);
  // Readable when the program woke the worker up. Only after SetAsleep(true) returned true.
  int ring_fd() const;
  // Says that the worker is about to sleep (true) or is awake. Returns false, and leaves the worker awake, when there
  // are records in the ring already.
  bool SetAsleep(bool asleep);

  // Any thread.
  Result<TapTotals> Totals() const;
  Result<std::vector<TapCounter>> Counters() const;

  // Forgets every flow; for replay, between captures.
  Status ClearFlows();

 private:
  struct Impl;
  explicit Tap(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rpctee::tap
