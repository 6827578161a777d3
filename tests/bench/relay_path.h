// The agent's whole way for requests, from the packet to the answer of the mirror, with the clock stopped while packets
// come in: the real tap program fills the real ring, then the real worker empties it, on the calling thread.
//
// One thread. Owns the tap with its hook in a network namespace of its own, and the worker; the sink outlives it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agent/worker.h"
#include "base/ledger.h"
#include "base/result.h"
#include "cpu.h"
#include "replay/injector.h"
#include "sink.h"
#include "tap/tap.h"

namespace rpctee::bench {

struct RelayOptions {
  size_t request_bytes = 256;
  std::vector<route::FieldMatch> matches;  // of the one route; the requests fulfil them
  route::Mark mark;                        // that copies get; none when it is empty
};

class RelayPath {
 public:
  static Result<std::unique_ptr<RelayPath>> Open(const RelayOptions& options, const Sink& sink);

  // The requests of one packet, as they stand on the wire.
  Bytes wire() const { return wire_; }
  // At least so many bytes of requests. What is measured is from the first record taken until every copy is answered.
  Result<Took> Run(uint64_t total_bytes);
  LedgerCounts Counts() { return worker_->Counts(Clock::now()); }

 private:
  explicit RelayPath(replay::Injector injector) : injector_(std::move(injector)) {}
  Status OpenTap();
  Status StartWorker(const RelayOptions& relay, const Sink& sink);
  void MakePackets(const RelayOptions& options);
  Status Connect();
  Result<uint64_t> Fill(uint64_t limit);
  Status SendPacket();

  replay::Injector injector_;
  agent::MirrorLog mirror_log_;
  std::unique_ptr<tap::Tap> tap_;
  std::unique_ptr<agent::Worker> worker_;
  std::vector<uint8_t> wire_;
  std::vector<uint8_t> packet_;
  size_t records_a_packet_bytes_ = 0;
  uint32_t seq_ = 1;
};

}  // namespace rpctee::bench
