// Which network interfaces there are, and word of each that comes or goes (rtnetlink).
//
// Control thread. Owns its netlink socket, which belongs to the network namespace of the thread that called Open. After
// an overrun (ENOBUFS) it lists everything again, so no interface is ever missed.
//
// An index names an interface only while that lives: the kernel may give it to the next one. So apply `removed` first.
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

  // A renamed interface is removed under its old name and added under its new one; so is one whose index was given to
  // another interface. After an overrun all that are there are added again, because such a change may have been lost.
  struct Changes {
    std::vector<Interface> added;
    std::vector<Interface> removed;
    bool resynced = false;  // an overrun happened, or this is the first call
  };
  // Reads what is there without waiting, a bounded amount; the rest leaves fd() readable. The first call returns every
  // interface as added. After an error the next call lists everything again.
  Result<Changes> Poll();

 private:
  class ChangeLog;
  enum class Read { kMessage, kEmpty, kOverrun };

  InterfaceWatch(Fd socket, Fd dump_socket) : socket_(std::move(socket)), dump_socket_(std::move(dump_socket)) {}
  Result<Read> ReadOne(ChangeLog& log);
  Status Resync(ChangeLog& log);

  Fd socket_;       // hears of changes
  Fd dump_socket_;  // asks for the list
  std::map<uint32_t, std::string> known_;
  bool listed_ = false;
};

}  // namespace rpctee::tap
