#include "tap/pins.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>

#include "tap/libbpf_log.h"

namespace rpctee::tap {
namespace {

constexpr int kClaimTries = 10;

bool IsBpffs(int fd) {
  struct statfs fs {};
  return ::fstatfs(fd, &fs) == 0 && fs.f_type == BPF_FS_MAGIC;
}

Result<std::string> Normalized(std::string directory) {
  while (directory.size() > 1 && directory.back() == '/') {
    directory.pop_back();
  }
  if (directory.size() < 2 || directory.front() != '/') {
    return Fail("is not an absolute path of a directory");
  }
  return directory;
}

Status MakeDirectory(const std::string& directory) {
  const std::string parent = directory.substr(0, directory.rfind('/') + 1);
  const Fd fd(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) {
    return FailErrno(parent, errno);
  }
  if (!IsBpffs(fd.get())) {
    return Fail(parent + " is not in a BPF file system; mount one: mount -t bpf bpf /sys/fs/bpf");
  }
  if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) {
    return FailErrno("make it", errno);
  }
  return {};
}

// The directory must be ours alone: who can write there can replace a map by one of their own.
Status CheckDirectory(int fd, const struct stat& status) {
  if (!IsBpffs(fd)) {
    return Fail("is not in a BPF file system; mount one: mount -t bpf bpf /sys/fs/bpf");
  }
  if (status.st_uid != ::geteuid() || (status.st_mode & 077) != 0) {
    return Fail("is there already and belongs to others, or is open to them; name a directory of its own");
  }
  return {};
}

// An open and locked directory; an invalid one when it was removed between two steps, to be tried again.
Result<Fd> TryClaim(const std::string& directory) {
  Fd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd.valid() && errno == ENOENT) {
    if (const Status made = MakeDirectory(directory); !made) {
      return tl::unexpected(made.error());
    }
    return Fd();
  }
  struct stat locked {};
  if (!fd.valid() || ::fstat(fd.get(), &locked) != 0) {
    return FailErrno("open it", errno);
  }
  if (const Status good = CheckDirectory(fd.get(), locked); !good) {
    return tl::unexpected(good.error());
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    return errno == EWOULDBLOCK ? Fail("another rpctee agent uses it") : FailErrno("lock it", errno);
  }
  // Its last owner may have removed it before we had the lock.
  struct stat named {};
  if (::stat(directory.c_str(), &named) != 0 || named.st_ino != locked.st_ino || named.st_dev != locked.st_dev) {
    return Fd();
  }
  return fd;
}

}  // namespace

Result<Pins> Pins::Claim(const std::string& directory) {
  const std::string context = "pin directory " + directory;
  const Result<std::string> path = Normalized(directory);
  if (!path) {
    return Fail(context + " " + path.error().message);
  }
  for (int i = 0; i < kClaimTries; ++i) {
    Result<Fd> lock = TryClaim(*path);
    if (!lock) {
      return WithContext(context, lock.error());
    }
    if (lock->valid()) {
      return Pins(*path, std::move(*lock));
    }
  }
  return Fail(context + ": someone keeps removing it");
}

Pins::~Pins() {
  if (!lock_.valid()) {
    return;  // moved away
  }
  for (const std::string& name : names_) {
    ::unlinkat(lock_.get(), name.c_str(), 0);
  }
  // Fails when others have files there, or when it is a mount point: then it stays.
  ::rmdir(directory_.c_str());
}

Status Pins::Pin(const std::string& name, int fd) {
  const LibbpfLog log;
  const std::string path = directory_ + "/" + name;
  if (::unlinkat(lock_.get(), name.c_str(), 0) != 0 && errno != ENOENT) {
    return FailErrno("replace " + path, errno);
  }
  if (const int error = bpf_obj_pin(fd, path.c_str()); error != 0) {
    return FailErrno("pin " + path, -error);
  }
  names_.push_back(name);
  return {};
}

}  // namespace rpctee::tap
