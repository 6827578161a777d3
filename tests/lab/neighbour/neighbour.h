// Somebody else's tc program, for tests: attached by tcx or clsact, counting, with a verdict of its own.
//
// One thread. Owns the program and a tcx link; a clsact filter stays when it goes, as those of others do. Works in the
// network namespace of the calling thread.
#pragma once

#include <cstdint>
#include <memory>

#include "base/fd.h"
#include "base/result.h"
#include "tap/attachment.h"

struct lab_neighbour;

namespace rpctee::test {

struct NeighbourOptions {
  uint16_t port = 20'880;
  uint32_t to_be = 0;    // IPv4 address; 0 = any
  int32_t verdict = -1;  // TC_ACT_*
  uint32_t peer_of = 0;  // redirect to the other end of this veth; 0 = do not
};

class Neighbour {
 public:
  static Result<std::unique_ptr<Neighbour>> Load(const NeighbourOptions& options);
  ~Neighbour();
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

  // Fails when the kernel has no tcx.
  Status AttachTcx(uint32_t ifindex, tap::Direction direction, tap::TcxOrder order);
  Status AttachClsact(uint32_t ifindex, tap::Direction direction, uint32_t priority, uint32_t handle);
  // Takes the place of the filter that stands there.
  Status ReplaceClsact(uint32_t ifindex, tap::Direction direction, uint32_t priority, uint32_t handle);

  // TCP packets to the port (and address) that it has seen.
  uint64_t packets() const;
  uint32_t id() const;
  int fd() const;

 private:
  explicit Neighbour(lab_neighbour* skeleton) : skeleton_(skeleton) {}
  Status Filter(uint32_t ifindex, tap::Direction direction, uint32_t priority, uint32_t handle, uint32_t flags);

  lab_neighbour* skeleton_;
  Fd link_;
};

}  // namespace rpctee::test
