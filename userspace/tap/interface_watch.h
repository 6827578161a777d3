// Which network interfaces there are, and word of each that comes or goes (rtnetlink).
//
// Control thread. Owns its netlink socket, which belongs to the network namespace of the thread that called Open. After
// an overrun (ENOBUFS) it lists everything again, so no interface is ever missed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace rpctee::tap {

struct Interface {
  uint32_t index = 0;
  std::string name;

  bool operator==(const Interface&) const = default;
};

// True when the name matches one of the shell patterns ("veth*", "eth0"; fnmatch(3)).
bool MatchesAny(const std::string& name, const std::vector<std::string>& patterns);

class InterfaceWatch {
 public:
  static Result<InterfaceWatch> Open();

  // Readable when there is news; then call Poll.
  int fd() const { return socket_.get(); }

  struct Changes {
    std::vector<Interface> added;  // also a known index under a new name
    std::vector<Interface> removed;
  };
  // Reads what is there without waiting. The first call returns every interface as added.
  Result<Changes> Poll();

 private:
  explicit InterfaceWatch(Fd socket) : socket_(std::move(socket)) {}

  Fd socket_;
  std::map<uint32_t, std::string> known_;
  bool listed_ = false;
};

}  // namespace rpctee::tap
