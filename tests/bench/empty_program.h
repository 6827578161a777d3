// The empty program at the place where the tap is, and what the kernel says about a program's run time.
//
// One thread. Owns the program and its attachment and removes both. Works in the network namespace of the calling
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "bench_empty.skel.h"

namespace rpctee::bench {

struct RunTime {
  uint64_t ns = 0;
  uint64_t runs = 0;
};

// Counts from when statistics were switched on.
Result<RunTime> ReadRunTime(int program_fd);

struct Hook {
  std::string interface;
  bool ingress = false;
  bool tcx = false;  // otherwise a clsact filter, in a qdisc that exists
};

class EmptyProgram {
 public:
  static Result<std::unique_ptr<EmptyProgram>> Attach(const Hook& hook);
  ~EmptyProgram();
  EmptyProgram(const EmptyProgram&) = delete;
  EmptyProgram& operator=(const EmptyProgram&) = delete;

  int fd() const;

 private:
  explicit EmptyProgram(bench_empty* skeleton) : skeleton_(skeleton) {}
  Status AttachTcx(int ifindex, bool ingress);
  Status AttachFilter(int ifindex, bool ingress);

  bench_empty* skeleton_;
  Fd link_;
  int filter_ifindex_ = 0;
  bool filter_ingress_ = false;
};

}  // namespace rpctee::bench
