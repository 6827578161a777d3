// Attaches the tap programs to interfaces, by tcx links and by clsact filters, and keeps the list of where it is.
//
// Control thread. Owns its links and filters and removes them when it goes. Everything happens in the network namespace
// of the calling thread: one object serves one namespace, so call it from threads of the same one.
//
// What others attached is never changed, moved or removed, even where they took our place.
//
// A link dies with the process. A filter stays, so a crash leaves it behind; the next run with the same identity
// replaces it. A filter is ours when it has the name of the program that is attached there, the identity's
// handle and a priority of our range.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "tap/attachment.h"
#include "tap/tc_filter.h"
#include "tap/tcx.h"

namespace rpctee::tap {

// Priorities of our filters: behind those that people choose by hand and the 49152 that the kernel starts with when it
// chooses itself. We take the first that nobody uses, so a filter of ours never shares a priority with another's.
inline constexpr uint32_t kFirstPriority = 50'000;
inline constexpr uint32_t kPriorities = 16;

class Attacher {
 public:
  // program_fds: by program; they must stay open. identity: tells this agent's left-over filters from those of another
  // one that lives.
  Attacher(const std::map<Program, int>& program_fds, std::string_view identity, TcxOrder order);
  ~Attacher();
  Attacher(const Attacher&) = delete;
  Attacher& operator=(const Attacher&) = delete;

  // What is attached already, and still works, stays as it is, whatever the mode. What someone removed is put back, as
  // far as nobody else stands there.
  Result<Attachment> Attach(uint32_t ifindex, Side side, AttachMode mode);
  // Removes a link, or the filter if it still holds our program. No effect when nothing is attached there.
  void Detach(uint32_t ifindex, Side side);
  std::vector<Attachment> List() const;

  // Looks whether ours is still there, and who stands in front of it. Fails when the kernel would not say.
  Result<Sighting> Look(uint32_t ifindex, Side side) const;

 private:
  using Place = std::pair<uint32_t, Side>;
  struct Loaded {
    int fd = -1;
    uint32_t id = 0;
  };
  struct Held {
    Attachment attachment;
    Fd link;          // tcx
    TcFilter filter;  // clsact
  };

  const Loaded& LoadedFor(const Held& held) const { return programs_.at(held.attachment.side.program); }
  bool IsOurs(const TcFilter& filter, Program program) const;
  // Others' programs there, in front of this one.
  std::vector<Neighbour> TcxNeighbours(const Attachment& where, uint32_t until_program) const;
  bool IsOurProgram(uint32_t id) const;
  Result<Sighting> LookAt(const Held& held) const;
  Result<Sighting> LookAtLink(const Held& held) const;
  Result<Sighting> LookAtFilter(const Held& held) const;
  // Forgets what was taken from us.
  void GiveUp(std::map<Place, Held>::iterator position);
  Status AttachNew(Held& held, AttachMode mode) const;
  // False when the kernel has no tcx.
  Result<bool> AttachTcx(Held& held) const;
  Status AttachClsact(Held& held) const;
  // filters: as they were before this object attached there.
  void RemoveOurs(const std::vector<TcFilter>& filters, const Attachment& where) const;

  std::map<Program, Loaded> programs_;
  uint32_t handle_;
  TcxOrder order_;
  std::map<Place, Held> held_;
  // Links of ours into which someone put a program of theirs, which lives as long as the link. Bounded.
  std::deque<Fd> lent_links_;
};

}  // namespace rpctee::tap
