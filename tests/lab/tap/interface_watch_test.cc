// Interfaces that come, go, move, change names and come back under the same index; and too many of them at once.
#include "tap/interface_watch.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <set>

#include "lab/tap/namespace_lab.h"

namespace rpctee::tap {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(MatchesAny, TakesShellPatterns) {
  EXPECT_TRUE(MatchesAny("veth12", {"eth0", "veth*"}));
  EXPECT_TRUE(MatchesAny("eth0", {"eth0"}));
  EXPECT_TRUE(MatchesAny("cali1", {"cali[0-9]"}));
  EXPECT_FALSE(MatchesAny("eth01", {"eth0"}));
  EXPECT_FALSE(MatchesAny("myveth", {"veth*"}));
  EXPECT_FALSE(MatchesAny("eth0", {}));
}

class WatchLab : public test::NamespaceLab {
 protected:
  void SetUp() override {
    NamespaceLab::SetUp();
    if (IsSkipped()) {
      return;
    }
    auto watch = InterfaceWatch::Open();
    ASSERT_TRUE(watch) << watch.error().message;
    watch_ = std::make_unique<InterfaceWatch>(std::move(*watch));
  }
  bool Readable() const {
    pollfd poll_fd{.fd = watch_->fd(), .events = POLLIN, .revents = 0};
    return ::poll(&poll_fd, 1, 0) == 1;
  }
  // Polls once, and keeps `names_` as a caller would.
  InterfaceWatch::Changes Poll() {
    const auto changes = watch_->Poll();
    EXPECT_TRUE(changes) << changes.error().message;
    return changes ? Apply(*changes) : InterfaceWatch::Changes{};
  }
  InterfaceWatch::Changes Apply(const InterfaceWatch::Changes& changes) {
    for (const Interface& interface : changes.removed) {
      EXPECT_EQ(names_.count(interface.name), 1U) << interface.name << " was removed but never there";
      names_.erase(interface.name);
    }
    for (const Interface& interface : changes.added) {
      names_.insert(interface.name);
    }
    return changes;
  }
  InterfaceWatch::Changes PollAll() {
    InterfaceWatch::Changes last = Poll();
    for (int i = 0; i < 100 && Readable(); ++i) {
      last = Poll();
    }
    return last;
  }
  // What the kernel says.
  static std::set<std::string> Truth() {
    std::set<std::string> names;
    std::string list = Run("ls /proc/thread-self/net/dev_snmp6");
    for (size_t at = 0; at < list.size();) {
      const size_t end = list.find('\n', at);
      names.insert(list.substr(at, end - at));
      at = end + 1;
    }
    return names;
  }

  std::unique_ptr<InterfaceWatch> watch_;
  std::set<std::string> names_;
};

TEST_F(WatchLab, TheFirstCallTellsOfAll) {
  MakeVeth("one", "two");
  const auto changes = Poll();
  EXPECT_TRUE(changes.resynced);
  EXPECT_EQ(names_, (std::set<std::string>{"lo", "one", "two"}));
  EXPECT_THAT(changes.added, Contains(Interface{Index("one"), "one"}));
  PollAll();
  EXPECT_EQ(names_, (std::set<std::string>{"lo", "one", "two"}));
}

TEST_F(WatchLab, NoNewsIsNoChange) {
  Poll();
  const auto changes = PollAll();
  EXPECT_THAT(changes.added, IsEmpty());
  EXPECT_THAT(changes.removed, IsEmpty());
  EXPECT_FALSE(Readable());
}

TEST_F(WatchLab, ComingAndGoingIsToldOnce) {
  PollAll();
  MakeVeth("one", "two");
  EXPECT_TRUE(Readable());
  EXPECT_EQ(Poll().added.size(), 2U);
  Run("ip link del one");
  EXPECT_EQ(Poll().removed.size(), 2U);
  EXPECT_EQ(names_, std::set<std::string>{"lo"});
}

TEST_F(WatchLab, UpAndDownAndAddressesAreNoNews) {
  MakeVeth("one", "two");
  PollAll();
  Run("ip link set one down && ip link set one up && ip link set one mtu 1400");
  const auto changes = Poll();
  EXPECT_THAT(changes.added, IsEmpty());
  EXPECT_THAT(changes.removed, IsEmpty());
}

TEST_F(WatchLab, ARenamedInterfaceIsRemovedAndAdded) {
  MakeVeth("one", "two");
  PollAll();
  const uint32_t index = Index("one");
  Run("ip link set one down && ip link set one name uno");
  const auto changes = Poll();
  EXPECT_THAT(changes.removed, Contains(Interface{index, "one"}));
  EXPECT_THAT(changes.added, Contains(Interface{index, "uno"}));
}

TEST_F(WatchLab, AReusedIndexIsToldEvenUnderTheSameName) {
  MakeVeth("one", "two");
  PollAll();
  const Interface one{Index("one"), "one"};
  Run("ip link del one && ip link add one index " + std::to_string(one.index) + " type veth peer name two");
  const auto changes = Poll();
  EXPECT_THAT(changes.removed, Contains(one));
  EXPECT_THAT(changes.added, Contains(one));
}

TEST_F(WatchLab, AnInterfaceThatMovesToAnotherNamespaceIsGone) {
  MakeVeth("one", "two");
  PollAll();
  int ready[2];
  int leave[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(leave), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    char byte = ::unshare(CLONE_NEWNET) == 0 ? 'y' : 'n';
    ::close(leave[1]);
    (void)!::write(ready[1], &byte, 1);
    (void)!::read(leave[0], &byte, 1);
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  Run("ip link set one netns " + std::to_string(child));
  Poll();
  EXPECT_EQ(names_, (std::set<std::string>{"lo", "two"}));
  for (const int fd : {ready[0], ready[1], leave[0], leave[1]}) {
    ::close(fd);
  }
  ::waitpid(child, nullptr, 0);
}

TEST_F(WatchLab, APortThatLeavesItsBridgeIsStillThere) {
  MakeVeth("one", "two");
  Run("ip link add bridge type bridge && ip link set one master bridge");
  PollAll();
  Run("ip link set one nomaster");
  const auto changes = Poll();
  EXPECT_THAT(changes.removed, IsEmpty());
  EXPECT_THAT(changes.added, IsEmpty());
  EXPECT_EQ(names_, (std::set<std::string>{"lo", "one", "two", "bridge"}));
}

TEST_F(WatchLab, ABurstThatOverrunsTheSocketLosesNothing) {
  PollAll();
  const int tiny = 1;  // the kernel makes it its minimum
  ASSERT_EQ(::setsockopt(watch_->fd(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny)), 0);
  Run("for i in $(seq 200); do echo link add burst$i type veth peer name peer$i; done | ip -batch -");
  EXPECT_TRUE(PollAll().resynced);
  EXPECT_EQ(names_.size(), 401U);
  EXPECT_EQ(names_, Truth());
  Run("for i in $(seq 2 2 200); do echo link del burst$i; done | ip -batch -");
  PollAll();
  EXPECT_EQ(names_.size(), 201U);
  EXPECT_EQ(names_, Truth());
  Run("for i in $(seq 1 2 200); do echo link del burst$i; done | ip -batch -");
  PollAll();
  EXPECT_EQ(names_, std::set<std::string>{"lo"});
}

TEST_F(WatchLab, PollingDuringABurstEndsWithTheTruth) {
  const int tiny = 1;
  ASSERT_EQ(::setsockopt(watch_->fd(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny)), 0);
  PollAll();
  const pid_t child = ::fork();
  if (child == 0) {
    ::execlp("sh", "sh", "-c",
             "for i in $(seq 200); do echo link add burst$i type veth peer name peer$i; done | ip -batch - && "
             "for i in $(seq 150); do echo link del burst$i; done | ip -batch -",
             nullptr);
    ::_exit(1);
  }
  int status = -1;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    // A list may fail while everything changes; it is made again by the next call.
    if (const auto changes = watch_->Poll()) {
      Apply(*changes);
    }
  }
  EXPECT_EQ(status, 0);
  PollAll();
  EXPECT_EQ(names_.size(), 101U);
  EXPECT_EQ(names_, Truth());
}

}  // namespace
}  // namespace rpctee::tap
