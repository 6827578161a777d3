// Notices that route files changed, cheaply enough to ask every second: by size, time of change and inode, nothing is
// read. A swapped symbolic link (a mounted ConfigMap) is a change, and so is a file that comes or goes.
//
// One thread. Owns nothing outside itself.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace rpctee::control {

class RouteFileWatch {
 public:
  // Takes the present state as seen: make the watch before the first load, so that no change goes unnoticed.
  explicit RouteFileWatch(std::vector<std::string> patterns);

  // Whether anything changed since the last call, or since construction. Standard input ("-") never does.
  bool Changed();

 private:
  struct FileStamp {
    int64_t size = -1;  // -1 = not there
    int64_t modified_ns = 0;
    uint64_t inode = 0;
    uint64_t device = 0;
    bool operator==(const FileStamp&) const = default;
  };
  using Stamps = std::map<std::string, FileStamp>;

  Stamps Look() const;

  std::vector<std::string> patterns_;
  Stamps seen_;
};

}  // namespace rpctee::control
