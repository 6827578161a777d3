// The program in the kernel and the one compiled for this machine, side by side: takes the same steps with both and
// says where they differ.
//
// One thread, which must stay on one CPU: flow ids have its number. Owns both.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bpf/differential/traffic.h"
#include "bpf/tap_program.h"
#include "native/native_backend.h"

namespace rpctee::test {

struct PairCounts {
  std::map<std::string, uint64_t> counted;  // by the program, on one side
  uint64_t packets = 0;                     // run on both sides
  uint64_t refused = 0;                     // by the kernel, before the program saw them
  uint64_t records = 0;                     // compared
  std::chrono::duration<double> kernel_time{};
  std::chrono::duration<double> native_time{};
};

// For messages.
std::string Hex(Bytes bytes);

class TapPair {
 public:
  // Both with the same options, unless a test wants to see that a difference is noticed.
  TapPair() : TapPair(kSmall, kSmall) {}
  TapPair(const TapProgramOptions& kernel, const TapProgramOptions& native);

  std::string error() const { return kernel_.error() + native_.error(); }
  // Takes the steps and compares at each drain and at the end. Empty, or what differs.
  std::optional<std::string> Take(std::span<const Step> steps);
  // As freshly loaded, on both sides.
  void Forget();
  const PairCounts& counts() const { return counts_; }

  // A small ring, which gets full, and a limit that some requests are over.
  static constexpr TapProgramOptions kSmall = {
      .max_request_bytes = kContentMaxRequestBytes, .socket_mark = kOwnMark, .ring_bytes = 64 << 10};

 private:
  void SetUp(TapProgram& tap);
  std::optional<std::string> Run(std::span<const Step> packets);
  std::optional<std::string> Compare();
  void Say(const Step& step);

  TapProgram kernel_;
  TapProgram native_;
  std::optional<uint32_t> holes_;  // of the flow that the last record was about, if it is in STREAM
  std::vector<RunResult> results_;
  PairCounts counts_;
};

}  // namespace rpctee::test
