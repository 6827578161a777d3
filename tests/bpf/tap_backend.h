// Where a tap program under test runs: in the kernel, or natively in this process. Only what differs between the two.
//
// One thread. A backend owns the program and its maps; nothing is attached or pinned.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/byte_reader.h"
#include "bpf/abi/abi.h"

namespace rpctee::test {

struct TapProgramOptions {
  uint32_t max_request_bytes = 16 << 20;
  uint32_t socket_mark = 0;
  uint32_t ring_bytes = 1 << 20;  // of each ring
  uint32_t rings = 1;
  bool replies = false;  // whether the direction of answers is tapped too
};

// What a packet carries besides its bytes, of what a program could change.
struct PacketContext {
  uint32_t mark = 0;
  uint32_t priority = 0;
  std::array<uint32_t, 5> cb{};
  uint64_t tstamp = 0;

  bool operator==(const PacketContext&) const = default;
};

struct RunResult {
  int verdict = 0;
  bool unchanged = false;  // the same bytes and the same context came out
  bool refused = false;    // the kernel did not take the packet at all
};

class TapBackend {
 public:
  virtual ~TapBackend() = default;

  // Empty when the program is loaded, else why not.
  virtual std::string error() const = 0;

  // One element of a map, by the names that `bpf/` gives them. False when there is no such map, or no such element.
  virtual bool Update(const char* map, const void* key, const void* value) = 0;
  virtual bool Lookup(const char* map, const void* key, void* value) const = 0;
  // Of all CPUs together.
  virtual rpctee_counters Counters() const = 0;

  virtual RunResult Run(Bytes packet, const PacketContext& context) = 0;
  // The same by the program for answers; only with TapProgramOptions::replies.
  virtual RunResult RunReply(Bytes packet, const PacketContext& context) = 0;
  // How many rings there are, from 0 on.
  virtual uint32_t rings() const = 0;
  // Takes every record out of a ring.
  virtual void Drain(uint32_t ring, const std::function<void(Bytes)>& take) = 0;
  // How many bytes of the ring were ever taken: records, the ring's own headers, padding.
  virtual uint64_t BytesTaken(uint32_t ring) const = 0;
  // As freshly loaded, but for what Update() wrote: no flows, no records, no counts.
  virtual void Forget() = 0;
};

// The backend of this test binary: each links one file that defines these two.
std::unique_ptr<TapBackend> MakeTapBackend(const TapProgramOptions& options);
// Why the backend can't be had here, such as for lack of privilege; empty when it can.
std::string WhyNoTapBackend();

// Set by RPCTEE_TAP_OLD: the program for kernels without bpf_loop, also where there is bpf_loop.
bool WantsOldProgram();

}  // namespace rpctee::test
