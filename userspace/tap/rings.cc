#include "tap/rings.h"

#include <bpf/bpf.h>

#include <cerrno>

namespace rpctee::tap {

Result<Rings> Rings::Make(int array_fd, uint32_t count, uint32_t bytes) {
  Rings rings;
  for (uint32_t index = 0; index < count; ++index) {
    Fd map(bpf_map_create(BPF_MAP_TYPE_RINGBUF, "rpctee_ring", 0, 0, bytes, nullptr));
    if (!map.valid()) {
      return errno == ENOMEM ? Fail("not enough memory for a ring of " + std::to_string(bytes) +
                                    " bytes; make the rings smaller or fewer")
                             : FailErrno("make a ring", errno);
    }
    Result<Ring> ring = Ring::Map(map.get(), bytes);
    if (!ring) {
      return tl::unexpected(ring.error());
    }
    const int fd = map.get();
    if (bpf_map_update_elem(array_fd, &index, &fd, BPF_ANY) != 0) {
      return FailErrno("put a ring into its array", errno);
    }
    rings.maps_.push_back(std::move(map));
    rings.rings_.push_back(std::move(*ring));
  }
  return rings;
}

// The kernel waits for the programs after each change of a map of maps (4.20 and later), so that what was taken out can
// be counted on to be out of use. Nothing is changed here.
Status Rings::AwaitPrograms(int array_fd) const {
  const uint32_t index = 0;
  const int fd = maps_.front().get();
  if (const int error = bpf_map_update_elem(array_fd, &index, &fd, BPF_ANY); error != 0) {
    return FailErrno("wait for the tap program", -error);
  }
  return {};
}

}  // namespace rpctee::tap
