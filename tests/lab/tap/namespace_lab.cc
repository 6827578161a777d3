#include "lab/tap/namespace_lab.h"

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace rpctee::test {
namespace {

// Mounts of this process stay in it, and vanish with it.
bool MakeMountsPrivate() {
  static const bool done =
      ::unshare(CLONE_NEWNS) == 0 && ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  return done;
}

}  // namespace

void NamespaceLab::SetUp() {
  home_.Reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(home_.valid());
  if (!MakeMountsPrivate() || ::unshare(CLONE_NEWNET) != 0) {
    home_.Reset();
    GTEST_SKIP() << "needs root, to make namespaces: " << std::strerror(errno);
  }
  std::string directory = "/tmp/rpctee-lab-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  bpffs_ = directory;
  ASSERT_EQ(::mount("bpf", bpffs_.c_str(), "bpf", 0, "mode=0700"), 0) << std::strerror(errno);
  Run("ip link set lo up");
}

void NamespaceLab::TearDown() {
  if (!bpffs_.empty()) {
    ::umount2(bpffs_.c_str(), MNT_DETACH);
    ::rmdir(bpffs_.c_str());
  }
  if (home_.valid()) {
    EXPECT_EQ(::setns(home_.get(), CLONE_NEWNET), 0);
  }
}

std::string NamespaceLab::Run(const std::string& command) {
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) {
    ADD_FAILURE() << command << ": " << std::strerror(errno);
    return {};
  }
  std::string output;
  std::array<char, 4'096> buffer;
  for (size_t bytes = 0; (bytes = std::fread(buffer.data(), 1, buffer.size(), pipe)) != 0;) {
    output.append(buffer.data(), bytes);
  }
  const int status = ::pclose(pipe);
  EXPECT_EQ(status, 0) << command << ": " << output;
  return output;
}

uint32_t NamespaceLab::Index(const std::string& interface) { return ::if_nametoindex(interface.c_str()); }

void NamespaceLab::MakeVeth(const std::string& name, const std::string& peer) {
  Run("ip link add " + name + " type veth peer name " + peer);
  Run("ip link set " + name + " up && ip link set " + peer + " up");
}

int NamespaceLab::RunAndDie(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::_exit(work());  // no destructor runs
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace rpctee::test
