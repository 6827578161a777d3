// Word of filters and qdiscs that others change.
#include "tap/tc_watch.h"

#include <gmock/gmock.h>
#include <poll.h>

#include "lab/tap/namespace_lab.h"

namespace rpctee::tap {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TcWatchLab : public test::NamespaceLab {
 protected:
  void SetUp() override {
    NamespaceLab::SetUp();
    if (IsSkipped()) {
      return;
    }
    MakeVeth("tap0", "tap1");
    first_ = std::min(Index("tap0"), Index("tap1"));
    second_ = std::max(Index("tap0"), Index("tap1"));
    auto watch = TcWatch::Open();
    ASSERT_TRUE(watch) << watch.error().message;
    watch_ = std::make_unique<TcWatch>(std::move(*watch));
  }
  bool Readable() const {
    pollfd entry{.fd = watch_->fd(), .events = POLLIN, .revents = 0};
    return ::poll(&entry, 1, 0) == 1;
  }
  TcWatch::Changes Poll() {
    const auto changes = watch_->Poll();
    EXPECT_TRUE(changes) << changes.error().message;
    return changes ? *changes : TcWatch::Changes{};
  }

  std::unique_ptr<TcWatch> watch_;
  uint32_t first_ = 0;
  uint32_t second_ = 0;
};

TEST_F(TcWatchLab, TellsOnWhichInterfaceAFilterOrQdiscCameOrWent) {
  Run("tc qdisc add dev tap0 clsact");
  Run("tc filter add dev tap0 egress prio 7 bpf bytecode '1,6 0 0 0,'");
  EXPECT_THAT(Poll().interfaces, ElementsAre(Index("tap0")));
  EXPECT_FALSE(Readable());
  Run("tc filter del dev tap0 egress prio 7");
  EXPECT_TRUE(Readable());
  EXPECT_THAT(Poll().interfaces, ElementsAre(Index("tap0")));
  Run("tc qdisc add dev tap1 clsact && tc qdisc del dev tap0 clsact");
  const TcWatch::Changes both = Poll();
  EXPECT_THAT(both.interfaces, ElementsAre(first_, second_));
  EXPECT_FALSE(both.anywhere);
}

TEST_F(TcWatchLab, FiltersThatInterfacesShareMayBeAnywhere) {
  Run("tc qdisc add dev tap0 egress_block 9 clsact && tc qdisc add dev tap1 egress_block 9 clsact");
  Poll();
  Run("tc filter add block 9 prio 7 bpf bytecode '1,6 0 0 0,'");
  EXPECT_TRUE(Poll().anywhere);
}

TEST_F(TcWatchLab, AfterAnOverrunItMayBeAnywhereAndLaterChangesAreTold) {
  Run("tc qdisc add dev tap0 clsact");
  Run("for i in $(seq 400); do echo \"filter add dev tap0 egress prio $i bpf bytecode '1,6 0 0 0,'\"; done | tc -batch "
      "-");
  EXPECT_TRUE(Poll().anywhere);
  EXPECT_FALSE(Readable());
  Run("tc filter del dev tap0 egress prio 7");
  const TcWatch::Changes later = Poll();
  EXPECT_FALSE(later.anywhere);
  EXPECT_THAT(later.interfaces, ElementsAre(Index("tap0")));
}

}  // namespace
}  // namespace rpctee::tap
