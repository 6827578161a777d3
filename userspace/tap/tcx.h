// The tcx hooks of an interface (Linux 6.6 and later): our link there, and whose programs run in which order.
//
// Control thread. Owns nothing but what it returns. Works in the network namespace of the calling thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "tap/attachment.h"

namespace rpctee::tap {

// No value when the kernel has no tcx.
Result<std::optional<Fd>> LinkTcx(int program_fd, uint32_t ifindex, Direction direction, TcxOrder order);

struct TcxLink {
  uint32_t ifindex = 0;  // 0: detached, by someone or because the interface is gone
  uint32_t program_id = 0;
};
Result<TcxLink> ReadTcxLink(int link_fd);

// The ids of the programs there, in the order in which they see a packet. Empty on kernels without tcx, and where the
// list may not be read.
std::vector<uint32_t> TcxPrograms(uint32_t ifindex, Direction direction);

// Empty when the program is gone, or may not be looked at (that takes CAP_SYS_ADMIN).
std::string ProgramName(uint32_t program_id);

}  // namespace rpctee::tap
