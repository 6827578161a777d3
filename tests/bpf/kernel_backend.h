// The tap program in the kernel, run on packets by BPF_PROG_TEST_RUN. Needs CAP_BPF and CAP_NET_ADMIN.
//
// One thread. Owns the program and its maps.
#pragma once

#include <string>
#include <vector>

#include "bpf/tap_backend.h"

struct bpf_map;
struct bpf_program;
struct ring_buffer;
struct rpctee_tap;

namespace rpctee::test {

class KernelBackend final : public TapBackend {
 public:
  explicit KernelBackend(const TapProgramOptions& options);
  ~KernelBackend() override;
  KernelBackend(const KernelBackend&) = delete;
  KernelBackend& operator=(const KernelBackend&) = delete;

  std::string error() const override { return error_; }
  bool Update(const char* map, const void* key, const void* value) override;
  bool Lookup(const char* map, const void* key, void* value) const override;
  rpctee_counters Counters() const override;
  RunResult Run(Bytes packet, const PacketContext& context) override { return RunProgram(program_, packet, context); }
  RunResult RunReply(Bytes packet, const PacketContext& context) override {
    return RunProgram(reply_program_, packet, context);
  }
  uint32_t rings() const override { return static_cast<uint32_t>(rings_.size()); }
  void Drain(uint32_t ring, const std::function<void(Bytes)>& take) override;
  uint64_t BytesTaken(uint32_t ring) const override;
  void Forget() override;

 private:
  bool AddRing(uint32_t bytes);
  static int OnRecord(void* context, void* data, size_t bytes);
  RunResult RunProgram(const bpf_program* program, Bytes packet, const PacketContext& context);
  int MapFd(const char* map) const;
  static void Empty(const bpf_map* map);

  rpctee_tap* skeleton_ = nullptr;
  bpf_program* program_ = nullptr;
  bpf_program* reply_program_ = nullptr;
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
