#include "control/text_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace rpctee::control {
namespace {

Result<std::string> ReadAll(int fd, size_t max_bytes) {
  std::string text;
  std::vector<char> buffer(size_t{64} << 10);
  while (true) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return FailErrno("cannot be read", errno);
    }
    if (got == 0) {
      return text;
    }
    if (text.size() + static_cast<size_t>(got) > max_bytes) {
      return Fail(fmt::format("is larger than {} bytes", max_bytes));
    }
    text.append(buffer.data(), static_cast<size_t>(got));
  }
}

}  // namespace

Result<std::string> ReadTextFile(const std::string& path, size_t max_bytes) {
  if (path == "-") {
    return ReadAll(STDIN_FILENO, max_bytes);
  }
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return FailErrno("cannot be opened", errno);
  }
  Result<std::string> text = ReadAll(fd, max_bytes);
  close(fd);
  return text;
}

}  // namespace rpctee::control
