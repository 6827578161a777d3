// The tap program as the kernel has it loaded, with its maps, for a KernelBackend to work with.
//
// The verifier goes through the program each time it is loaded, which takes a second where the kernel is emulated. So a
// program is kept when its user is done with it, and the next user that wants the same gets it as if it had just been
// loaded. One thread.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "bpf/tap_backend.h"

struct bpf_map;
struct bpf_program;
struct rpctee_tap;

namespace rpctee::test {

// What of the options the program is loaded with; the size of the rings is not.
struct LoadOptions {
  explicit LoadOptions(const TapProgramOptions& options)
      : max_request_bytes(options.max_request_bytes),
        socket_mark(options.socket_mark),
        rings(options.rings),
        replies(options.replies),
        use_old(WantsOldProgram()) {}
  auto operator<=>(const LoadOptions&) const = default;

  uint32_t max_request_bytes;
  uint32_t socket_mark;
  uint32_t rings;
  bool replies;
  bool use_old;
};

class KernelProgram {
 public:
  explicit KernelProgram(const LoadOptions& options);
  ~KernelProgram();
  KernelProgram(const KernelProgram&) = delete;
  KernelProgram& operator=(const KernelProgram&) = delete;

  // One that somebody gave back, made as new, or else a new one.
  static std::unique_ptr<KernelProgram> Borrow(const LoadOptions& options);
  static void GiveBack(std::unique_ptr<KernelProgram> program);

  // Empty when it is loaded, else why not.
  const std::string& error() const { return error_; }
  const bpf_program* for_requests() const { return for_requests_; }
  // Loaded only with LoadOptions::replies.
  const bpf_program* for_answers() const { return for_answers_; }
  int MapFd(const char* map) const;
  // By name, in the order of the object.
  std::vector<const bpf_map*> maps() const;
  // Empties what the program alone writes.
  void Forget();

 private:
  // Empties every map, whoever wrote it, but for the rings, which each user brings.
  void MakeAsNew();

  LoadOptions options_;
  rpctee_tap* skeleton_ = nullptr;
  const bpf_program* for_requests_ = nullptr;
  const bpf_program* for_answers_ = nullptr;
  std::string error_;
};

}  // namespace rpctee::test
