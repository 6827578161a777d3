// The tap: the BPF program with its maps, where it is attached, and the ring of records that comes out.
//
// The only folder that knows libbpf and the skeleton. Narrow on purpose: endpoints, thresholds and interfaces go in;
// records, counters and attachment states come out, as plain data, so that it can become a process of its own.
// Control thread, except where a method says otherwise. Owns the maps, pins, links and filters that it made, and
// removes them when it goes. Interfaces are those of the calling thread's network namespace: call Attach and Detach,
// and destroy the object, on threads of one and the same.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/capture.h"
#include "base/ledger.h"
#include "base/result.h"
#include "route/snapshot.h"
#include "tap/attachment.h"
#include "tap/reply_table.h"
#include "tap/tap_options.h"

namespace rpctee::tap {

// One named counter of the tap program, summed over CPUs.
struct TapCounter {
  std::string_view name;
  uint64_t value = 0;
};

// That the program knows a flow.
struct FlowSight {
  uint64_t mark = 0;     // another one whenever the program has taken in a packet with payload
  bool ignored = false;  // nothing that can be mirrored: such packets are let go, and the mark stays
};

// The BPF object inside this program.
struct ObjectInfo {
  size_t bytes = 0;
  std::string digest;  // FNV-1a, 64 bits, in hexadecimal: tells builds apart, proves nothing
};
ObjectInfo EmbeddedObject();

class Tap {
 public:
  // Loads the program, attached to nothing; it lets every packet go until the first Heartbeat.
  static Result<std::unique_ptr<Tap>> Open(const TapOptions& options);
  ~Tap();
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  // Makes the endpoint table what is given: adds, changes and removes only what differs. Fails, and leaves the table as
  // it was, when there are more than max_endpoints.
  Status SetEndpoints(const std::vector<route::EndpointThreshold>& endpoints);
  // Also takes every destination on that port, whatever SetEndpoints says, from now on.
  Status SetAnyEndpoint(uint16_t port, uint64_t threshold);

  // The agent's own connections. One that is opened may have the ends of one that is being closed: they are own until
  // each Add, also one that failed, was followed by its Remove. Any thread.
  Status AddOwnConnection(const SocketAddress& local, const SocketAddress& remote);
  void RemoveOwnConnection(const SocketAddress& local, const SocketAddress& remote);
  bool IsOwnConnection(const SocketAddress& local, const SocketAddress& remote) const;

  // Attaching twice is no error and changes nothing, except that what someone removed is put back. A left-over filter
  // of an earlier run with the same pin directory is replaced; nobody else's is touched. For answers only with
  // TapOptions::replies.
  Result<Attachment> Attach(uint32_t ifindex, Side side, AttachMode mode);
  // Forgets an interface that is gone, or detaches from one that is there.
  void Detach(uint32_t ifindex, Side side);
  std::vector<Attachment> Attachments() const;
  // Looks what has become of it, and who stands in front of it now. What was never attached counts as removed.
  Result<Sighting> Look(uint32_t ifindex, Side side) const;

  // Tells the program that the worker of this ring is alive. Any thread; call at least every second.
  void Heartbeat(size_t ring);
  // Makes the program let every packet go at once, without detaching; later heartbeats change nothing. When it returns,
  // no run that began before is under way: nothing more comes into the rings, and no count changes. Any thread.
  Status StopSampling();

  // A worker's side of its ring, which is one of TapOptions::rings: one thread each.
  using OnRecord = std::function<void(const CapturedRecord& record)>;
  // Hands over up to `max_records` records; returns how many it took. The bytes are valid only inside the call. A
  // record that makes no sense is counted and passed over.
  Result<size_t> Drain(size_t ring, size_t max_records, const OnRecord& on_record);
  // Readable when the program woke the worker up. Only after SetAsleep(ring, true) returned true.
  int ring_fd(size_t ring) const;
  // Says that the worker is about to sleep (true) or is awake. Returns false, and leaves the worker awake, when there
  // are records in the ring already.
  bool SetAsleep(size_t ring, bool asleep);
  // The share of the ring that records fill, from 0, which means that there are none, to 1.
  double Filled(size_t ring) const;

  // What the program is to do with a flow in STREAM, at its next segment: frame this protocol again, because every byte
  // up to there has come as long as it had no more holes than these; look for another start; go on sending, because
  // what came was taken; or pass the connection over, because it carries this. `holes`, as the flow's records told
  // them, say which stream of the flow is meant: a later one is not. Any thread.
  Status TakeBack(const Flow& flow, uint64_t flow_id, uint32_t holes, Content protocol);
  Status GiveUp(const Flow& flow, uint64_t flow_id, uint32_t holes);
  Status GoOn(const Flow& flow, uint64_t flow_id, uint32_t holes);
  Status Ignore(const Flow& flow, uint64_t flow_id, uint32_t holes, Content content);

  // None when the program has seen no payload of the flow, or long ago. Any thread.
  std::optional<FlowSight> LookUpFlow(const Flow& flow) const;

  // Any thread.
  uint64_t InvalidRecords() const;
  Result<TapTotals> Totals() const;
  Result<std::vector<TapCounter>> Counters() const;

  // How the endpoints answered, by address; empty without TapOptions::replies.
  Result<std::vector<EndpointReplies>> Replies() const;

  // Forgets every flow; for replay, between captures.
  Status ClearFlows();

 private:
  struct Impl;
  explicit Tap(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace rpctee::tap
