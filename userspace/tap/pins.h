// The directory in bpffs where the maps and the program have names, so that people and bpftool find them.
//
// Control thread. Owns the directory's lock, and the files that it pinned, which it removes when it goes, and the
// directory if it is empty then. Files of other names are left alone. The lock is an flock on the directory itself: it
// dies with the process, and holds across network and mount namespaces.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace rpctee::tap {

class Pins {
 public:
  // Makes `directory` (absolute, mode 0700; its parent must exist) and locks it. Fails when another agent holds it.
  static Result<Pins> Claim(const std::string& directory);
  ~Pins();
  Pins(Pins&&) = default;
  Pins& operator=(Pins&&) = delete;

  // Pins a map or program; a file that an earlier run left under this name is replaced.
  Status Pin(const std::string& name, int fd);

 private:
  Pins(std::string directory, Fd lock) : directory_(std::move(directory)), lock_(std::move(lock)) {}

  std::string directory_;
  Fd lock_;
  std::vector<std::string> names_;
};

}  // namespace rpctee::tap
