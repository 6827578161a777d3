// Word of every change to tc filters and qdiscs (rtnetlink), by interface: someone may have removed ours. The kernel
// tells of clsact only, never of tcx, so whoever must know for sure looks from time to time too.
//
// Control thread. Owns its netlink socket, which belongs to the network namespace of the thread that called Open.
#pragma once

#include <cstdint>
#include <set>

#include "base/fd.h"
#include "base/result.h"

namespace rpctee::tap {

class TcWatch {
 public:
  static Result<TcWatch> Open();

  // Readable when there is news; then call Poll.
  int fd() const { return socket_.get(); }

  struct Changes {
    std::set<uint32_t> interfaces;
    bool anywhere = false;  // news were lost, or are of filters that several interfaces share: look at all
  };
  // Reads what is there without waiting, a bounded amount; the rest leaves fd() readable.
  Result<Changes> Poll();

 private:
  explicit TcWatch(Fd socket) : socket_(std::move(socket)) {}

  Fd socket_;
};

}  // namespace rpctee::tap
