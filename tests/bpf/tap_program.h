// The tap program, loaded for a test, with verbs that make a test three lines: tell it an endpoint, give it packets,
// see what it counted and what it copied.
//
// One thread. Owns the program and its maps; nothing is attached or pinned.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/byte_reader.h"
#include "bpf/abi/abi.h"

struct bpf_program;
struct rpctee_tap;
struct ring_buffer;

namespace rpctee::test {

inline constexpr int kContinue = -1;  // TC_ACT_UNSPEC

struct TapProgramOptions {
  uint32_t max_request_bytes = 16 << 20;
  uint32_t socket_mark = 0;
  uint32_t ring_bytes = 1 << 20;
};

struct RunResult {
  int verdict = 0;
  bool unchanged = false;  // the same bytes came out
  bool refused = false;    // the kernel did not take the packet at all
};

class TapProgram {
 public:
  explicit TapProgram(const TapProgramOptions& options = {});
  ~TapProgram();
  TapProgram(const TapProgram&) = delete;
  TapProgram& operator=(const TapProgram&) = delete;

  // Empty when the program is loaded, else why not.
  const std::string& error() const { return error_; }

  void Endpoint(std::string_view address, uint64_t threshold = RPCTEE_THRESHOLD_ALL);
  void OwnConnection(std::string_view local);
  void Heartbeat(uint64_t time_ns);
  void Asleep(bool asleep);
  bool asleep() const;

  RunResult Run(Bytes packet, uint32_t mark = 0);
  // Runs each and expects that the program let it go on, unchanged.
  void Pass(const std::vector<std::vector<uint8_t>>& packets);

  // What was counted since the last call, without zeros.
  std::map<std::string, uint64_t> Counted();

  // A record of a flow in STREAM.
  struct StreamRecord {
    uint32_t kind = 0;
    uint32_t seq = 0;
    uint32_t holes = 0;
    std::vector<uint8_t> bytes;
  };
  // What the agent says about the flow that the last record belongs to.
  void HandBack(uint32_t holes);
  void GiveUp();

  struct Copied {
    std::vector<std::vector<uint8_t>> frames;  // whole requests, in the order of their last parts
    std::vector<uint32_t> cuts;                // reasons of CUT records
    std::vector<uint32_t> draws;               // of `frames`
    std::vector<StreamRecord> stream;
    std::vector<std::vector<uint8_t>> raw;  // every record as it came
    size_t records = 0;
  };
  // What came out of the ring since the last call; parts are joined. Fails the test when parts do not fit together.
  Copied Records();

 private:
  static int OnRecord(void* context, void* data, size_t bytes);
  void TakeRecord(const rpctee_record& record, Bytes bytes);

  rpctee_tap* skeleton_ = nullptr;
  bpf_program* program_ = nullptr;
  ring_buffer* ring_ = nullptr;
  std::string error_;
  std::map<std::string, uint64_t> last_counters_;
  std::map<uint64_t, std::vector<uint8_t>> open_;
  Copied copied_;
  rpctee_record last_record_{};
};

// Skips, with the reason, where the program can't be loaded for lack of privilege.
class TapProgramTest : public testing::Test {
 protected:
  void SetUp() override;

  std::unique_ptr<TapProgram> tap_;
};

}  // namespace rpctee::test
