// The tap program, loaded for a test, with verbs that make a test three lines: tell it an endpoint, give it packets,
// see what it counted and what it copied. Where it runs is the backend's matter.
//
// One thread. Owns the backend.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/address.h"
#include "base/byte_reader.h"
#include "bpf/abi/abi.h"
#include "bpf/abi/replies.h"
#include "bpf/tap_backend.h"

namespace rpctee::test {

inline constexpr int kContinue = -1;  // TC_ACT_UNSPEC
// A heartbeat of a time that does not come, so that no test depends on how fast it runs.
inline constexpr uint64_t kNeverStale = uint64_t{1} << 62;

class TapProgram {
 public:
  explicit TapProgram(const TapProgramOptions& options = {}) : TapProgram(MakeTapBackend(options)) {}
  explicit TapProgram(std::unique_ptr<TapBackend> backend);
  TapProgram(const TapProgram&) = delete;
  TapProgram& operator=(const TapProgram&) = delete;

  // Empty when the program is loaded, else why not.
  std::string error() const { return backend_->error(); }

  void Endpoint(std::string_view address, uint64_t threshold = RPCTEE_THRESHOLD_ALL);
  void OwnConnection(std::string_view local, std::string_view remote);
  void Heartbeat(uint64_t time_ns);
  // Whether an endpoint with the all-zero address stands for all addresses.
  void AnyEndpoint(bool any);
  // How many flows may yet ask the agent for a boundary.
  void JoinsLeft(uint32_t joins);
  void Asleep(bool asleep);
  bool asleep() const;

  RunResult Run(Bytes packet, uint32_t mark = 0) { return Run(packet, PacketContext{.mark = mark}); }
  RunResult Run(Bytes packet, const PacketContext& context) { return backend_->Run(packet, context); }
  // Runs each and expects that the program let it go on, unchanged.
  void Pass(const std::vector<std::vector<uint8_t>>& packets);

  // The same by the program for answers; for TapProgramOptions::replies.
  void PassAnswers(const std::vector<std::vector<uint8_t>>& packets);

  // What was counted since the last call, without zeros.
  std::map<std::string, uint64_t> Counted();

  // How an endpoint's answers ended so far, and how many of them have a latency.
  rpctee_replies Replies(std::string_view endpoint) const;
  uint64_t Latencies(std::string_view endpoint) const;
  // In one bucket.
  uint64_t Latencies(std::string_view endpoint, uint32_t bucket) const;

  // A record of a flow in STREAM.
  struct StreamRecord {
    uint32_t kind = 0;
    uint32_t seq = 0;
    uint32_t holes = 0;
    uint32_t start = 0;
    std::vector<uint8_t> bytes;
  };
  // What the agent says about the flow that the last record belongs to, having heard of no more holes than that tells.
  void HandBack(uint32_t holes, uint32_t content = RPCTEE_CONTENT_DUBBO);
  void GiveUp();
  void GoOn();
  void Ignore(uint32_t content);
  // The same of any flow.
  void Say(const rpctee_flow_key& flow, const rpctee_handback& said);

  struct Copied {
    std::vector<std::vector<uint8_t>> frames;  // whole requests, in the order of their last parts
    std::vector<uint32_t> cuts;                // reasons of CUT records
    std::vector<uint32_t> draws;               // of `frames`
    std::vector<StreamRecord> stream;
    std::vector<std::vector<uint8_t>> raw;  // every record as it came
    size_t records = 0;
  };
  // What came out of the rings since the last call; parts are joined. Fails the test when parts do not fit together.
  Copied Records();
  // The same without joining anything: each record as it came.
  void TakeRecords(const std::function<void(Bytes)>& take);
  // Those of one ring.
  void TakeRecords(uint32_t ring, const std::function<void(Bytes)>& take) { backend_->Drain(ring, take); }
  uint32_t rings() const { return backend_->rings(); }
  uint64_t BytesTaken(uint32_t ring) const { return backend_->BytesTaken(ring); }

  // As freshly loaded, but for endpoints, own connections and the agent's signs of life.
  void Forget();

 private:
  rpctee_control Control() const;
  void SetControl(const rpctee_control& control);
  void Say(rpctee_word word, uint32_t holes, uint32_t content = RPCTEE_CONTENT_UNKNOWN);
  void OnRecord(Bytes bytes);
  void TakeRecord(const rpctee_record& record, Bytes bytes);

  std::unique_ptr<TapBackend> backend_;
  std::map<std::string, uint64_t> last_counters_;
  std::map<uint64_t, std::vector<uint8_t>> open_;
  Copied copied_;
  rpctee_record last_record_{};
  uint32_t last_holes_ = 0;  // that a record of a stream told
};

// Skips, with the reason, where the program can't be loaded.
class TapProgramTest : public testing::Test {
 protected:
  void SetUp() override;

  // The first packet of a connection, so that its first payload byte, at `seq`, is known as such.
  void Connect(std::string_view source, std::string_view destination, uint32_t seq = 1);

  std::unique_ptr<TapProgram> tap_;
};

}  // namespace rpctee::test
