// Needs root. Claims of replay/injector.h about the kernel, held by a counting program on the device's tc ingress.
#include "replay/injector.h"

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <memory>

#include "packet_counter.skel.h"
#include "support/packet_builder.h"

namespace rpctee::replay {
namespace {

using test::ByteVector;
using test::TcpPacket;

// Of linux/bpf.h since Linux 6.6; libbpf 1.1 does not know the name.
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);

class InjectorTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "needs root";
    }
    auto injector = Injector::Create();
    ASSERT_TRUE(injector) << injector.error().message;
    injector_ = std::make_unique<Injector>(std::move(*injector));
    counter_.reset(packet_counter::open_and_load());
    ASSERT_NE(counter_, nullptr);
    const Status ran = injector_->RunInNamespace([this] {
      link_ = Fd(bpf_link_create(bpf_program__fd(counter_->progs.count_packet), static_cast<int>(injector_->ifindex()),
                                 kTcxIngress, nullptr));
    });
    ASSERT_TRUE(ran) << ran.error().message;
    if (!link_.valid()) {
      GTEST_SKIP() << "this kernel has no tcx links";
    }
  }

  struct Destroy {
    void operator()(packet_counter* counter) const { packet_counter::destroy(counter); }
  };
  uint64_t packets() const { return counter_->bss->packets; }
  uint64_t last_packet_bytes() const { return counter_->bss->last_packet_bytes; }

  std::unique_ptr<Injector> injector_;
  std::unique_ptr<packet_counter, Destroy> counter_;
  Fd link_;
};

ino_t CurrentNamespace() {
  struct stat status {};
  EXPECT_EQ(::stat("/proc/thread-self/ns/net", &status), 0);
  return status.st_ino;
}

TEST_F(InjectorTest, TheProgramHasSeenAFrameWhenInjectReturns) {
  const ByteVector frame = TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Payload("abc").Build();
  for (uint64_t i = 1; i <= 20'000; ++i) {
    ASSERT_TRUE(injector_->Inject(frame));
    ASSERT_EQ(packets(), i);
  }
  EXPECT_EQ(last_packet_bytes(), frame.size());
}

TEST_F(InjectorTest, FramesOfAnySizeArriveWhateverTheMtu) {
  uint64_t count = 0;
  for (const size_t frame_bytes : {14, 60, 1514, 1515, 9'014, 65'549, 200'000, 262'144}) {
    ByteVector frame = TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Build();
    frame.resize(frame_bytes, 'x');
    const Status injected = injector_->Inject(frame);
    ASSERT_TRUE(injected) << injected.error().message;
    EXPECT_EQ(packets(), ++count) << frame_bytes;
    EXPECT_EQ(last_packet_bytes(), frame_bytes);
  }
}

TEST_F(InjectorTest, FramesWithZeroAddressesAndVlanTagsArrive) {
  ByteVector frame = TcpPacket("[fd00::1]:40000", "[fd00::2]:20880").QinQ(1, 2).Payload("abc").Build();
  ASSERT_TRUE(injector_->Inject(frame));
  std::fill_n(frame.begin(), 12, uint8_t{0});
  ASSERT_TRUE(injector_->Inject(frame));
  EXPECT_EQ(packets(), 2U);
}

TEST_F(InjectorTest, NothingButTheInjectedFramesReachesTheProgram) {
  ::usleep(300'000);  // longer than the kernel waits before it announces an address
  EXPECT_EQ(packets(), 0U);
}

TEST_F(InjectorTest, AFrameShorterThanAnEthernetHeaderIsAnErrorThatSaysItsLength) {
  const ByteVector runt(13, 0);
  const Status injected = injector_->Inject(runt);
  ASSERT_FALSE(injected);
  EXPECT_NE(injected.error().message.find("13 bytes"), std::string::npos) << injected.error().message;
}

TEST_F(InjectorTest, OnlyTheTaskRunsInTheNamespace) {
  const ino_t before = CurrentNamespace();
  ino_t inside = 0;
  ASSERT_TRUE(injector_->RunInNamespace([&] { inside = CurrentNamespace(); }));
  EXPECT_NE(inside, before);
  EXPECT_EQ(CurrentNamespace(), before);
}

TEST_F(InjectorTest, TwoInjectorsDoNotSeeEachOthersFrames) {
  auto other = Injector::Create();
  ASSERT_TRUE(other) << other.error().message;
  ASSERT_TRUE(other->Inject(ByteVector(60, 0)));
  EXPECT_EQ(packets(), 0U);
}

TEST(InjectorWithoutPrivileges, SaysWhichOnesItNeeds) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "needs root to become nobody";
  }
  Result<Injector> injector = Fail("not run");
  EXPECT_EXIT(
      {
        constexpr uid_t kNobody = 65534;
        if (::setuid(kNobody) != 0) {
          _exit(2);
        }
        injector = Injector::Create();
        const bool is_clear = !injector && injector.error().message.find("CAP_SYS_ADMIN") != std::string::npos;
        _exit(is_clear ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace rpctee::replay
