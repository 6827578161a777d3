// The tap program, compiled for this machine: no privilege, no kernel, every sanitizer; time and draws are the test's.
//
// One thread for all of them. Owns the maps.
#pragma once

#include <functional>
#include <string>

#include "bpf/tap_backend.h"
#include "native/machine.h"

namespace rpctee::test {

class NativeBackend final : public TapBackend {
 public:
  explicit NativeBackend(const TapProgramOptions& options);

  std::string error() const override { return machine_.error(); }
  bool Update(const char* map, const void* key, const void* value) override;
  bool Lookup(const char* map, const void* key, void* value) const override;
  rpctee_counters Counters() const override;
  RunResult Run(Bytes packet, const PacketContext& context) override { return RunProgram(program_, packet, context); }
  RunResult RunReply(Bytes packet, const PacketContext& context) override {
    return RunProgram(reply_program_, packet, context);
  }
  uint32_t rings() const override { return options_.rings; }
  void Drain(uint32_t ring, const std::function<void(Bytes)>& take) override;
  uint64_t BytesTaken(uint32_t ring) const override;
  void Forget() override { machine_.Forget(); }

  // What the program's clocks say; without a call, and after a call with 0, CLOCK_MONOTONIC.
  void SetTime(uint64_t time_ns) { time_ns_ = time_ns; }
  // The program's random numbers; without a call they are the same in each run.
  void SetDraws(std::function<uint32_t()> draws) { machine_.SetDraws(std::move(draws)); }
  // Whether the rings take no record.
  void RefuseRecords(bool refuses);
  // Whether a table takes no new key.
  void RefuseKeys(const char* map, bool refuses) { machine_.FindMap(map)->Refuse(refuses); }
  // The program's work so far, see Machine.
  uint64_t steps() const { return machine_.steps(); }

 private:
  using Program = int (*)(__sk_buff*);
  RunResult RunProgram(Program program, Bytes packet, const PacketContext& context);

  TapProgramOptions options_;
  native::Machine machine_;
  Program program_;
  Program reply_program_;
  uint64_t time_ns_ = 0;
};

}  // namespace rpctee::test
