#include "kernel_objects.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "base/fd.h"

namespace rpctee::swap {
namespace {

constexpr std::string_view kIdSuffix = "_id:";

int OpenById(const std::string& kind, uint32_t id) {
  if (kind == "prog") {
    return ::bpf_prog_get_fd_by_id(id);
  }
  return kind == "map" ? ::bpf_map_get_fd_by_id(id) : ::bpf_link_get_fd_by_id(id);
}

}  // namespace

KernelObjects HeldObjects() {
  KernelObjects objects;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
    std::ifstream info(entry.path());
    std::string name;
    uint32_t id = 0;
    // Lines such as "map_id:	17"; a link's lines also name its program.
    for (std::string line; std::getline(info, line);) {
      const size_t colon = line.find(kIdSuffix);
      if (colon == std::string::npos) {
        continue;
      }
      name = line.substr(0, colon);
      if (name == "prog" || name == "map" || name == "link") {
        id = static_cast<uint32_t>(std::stoul(line.substr(colon + kIdSuffix.size())));
        objects.emplace(name, id);
      }
    }
  }
  return objects;
}

KernelObjects Living(const KernelObjects& objects) {
  KernelObjects living;
  for (const auto& [kind, id] : objects) {
    const int fd = OpenById(kind, id);
    const Fd owner(fd);
    if (fd != -ENOENT) {
      living.emplace(kind, id);
    }
  }
  return living;
}

size_t OpenDescriptors() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count - 1;  // the listing's own
}

}  // namespace rpctee::swap
