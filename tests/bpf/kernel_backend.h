// The tap program in the kernel, run on packets by BPF_PROG_TEST_RUN. Needs CAP_BPF and CAP_NET_ADMIN.
//
// One thread. Has a program and its maps to itself, as freshly loaded, and rings that are new.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bpf/kernel_program.h"
#include "bpf/tap_backend.h"

struct ring_buffer;

namespace rpctee::test {

class KernelBackend final : public TapBackend {
 public:
  enum class Loading : uint8_t {
    kShared,  // a program that another test has done with will do
    kFresh,   // it is loaded for this one
  };
  explicit KernelBackend(const TapProgramOptions& options, Loading loading = Loading::kShared);
  ~KernelBackend() override;
  KernelBackend(const KernelBackend&) = delete;
  KernelBackend& operator=(const KernelBackend&) = delete;

  std::string error() const override { return error_; }
  bool Update(const char* map, const void* key, const void* value) override;
  bool Lookup(const char* map, const void* key, void* value) const override;
  rpctee_counters Counters() const override;
  RunResult Run(Bytes packet, const PacketContext& context) override {
    return RunProgram(program_->for_requests(), packet, context);
  }
  RunResult RunReply(Bytes packet, const PacketContext& context) override {
    return RunProgram(program_->for_answers(), packet, context);
  }
  uint32_t rings() const override { return static_cast<uint32_t>(rings_.size()); }
  void Drain(uint32_t ring, const std::function<void(Bytes)>& take) override;
  uint64_t BytesTaken(uint32_t ring) const override;
  void Forget() override;
  const KernelProgram& program() const { return *program_; }

 private:
  bool AddRing(uint32_t bytes);
  static int OnRecord(void* context, void* data, size_t bytes);
  RunResult RunProgram(const bpf_program* program, Bytes packet, const PacketContext& context);

  std::unique_ptr<KernelProgram> program_;
  struct Ring {
    int map = -1;
    ring_buffer* reader = nullptr;
  };
  std::vector<Ring> rings_;
  const std::function<void(Bytes)>* take_ = nullptr;  // while Drain runs
  std::vector<uint8_t> out_;                          // where the kernel puts the packet afterwards
  std::string error_;
};

}  // namespace rpctee::test
