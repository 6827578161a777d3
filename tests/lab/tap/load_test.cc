// What users are told when the program can't be loaded, and that libbpf keeps quiet.
#include "tap/load.h"

#include <gmock/gmock.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <thread>

#include "bpf/abi/abi.h"
#include "lab/tap/namespace_lab.h"
#include "tap/libbpf_log.h"
#include "tap/tap.h"

namespace rpctee::tap {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class LoadLab : public test::NamespaceLab {};

// Capabilities belong to a thread, so one that ends takes the loss with it.
template <typename Work>
void WithCapabilities(const std::vector<int>& capabilities, Work work) {
  std::thread([&] {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    __user_cap_data_struct data[2]{};
    for (const int capability : capabilities) {
      data[capability / 32].effective |= 1U << (capability % 32);
      data[capability / 32].permitted |= 1U << (capability % 32);
    }
    ASSERT_EQ(::syscall(SYS_capset, &header, data), 0);
    work();
  }).join();
}

TEST_F(LoadLab, WithoutPrivilegesTheErrorNamesTheMissingCapabilities) {
  ::testing::internal::CaptureStderr();
  WithCapabilities({}, [] {
    const auto tap = Tap::Open({.ring_bytes = 4'096});
    ASSERT_FALSE(tap);
    EXPECT_THAT(tap.error().message, AllOf(HasSubstr("CAP_BPF and CAP_NET_ADMIN is missing"), HasSubstr("root")));
  });
  WithCapabilities({CAP_BPF}, [] {
    const auto tap = Tap::Open({.ring_bytes = 4'096});
    ASSERT_FALSE(tap);
    EXPECT_THAT(tap.error().message, HasSubstr("; CAP_NET_ADMIN is missing"));
  });
  EXPECT_THAT(::testing::internal::GetCapturedStderr(), IsEmpty());
}

TEST_F(LoadLab, TwoCapabilitiesAreEnoughToLoadAndAttach) {
  MakeVeth("tap0", "tap1");
  WithCapabilities({CAP_BPF, CAP_NET_ADMIN}, [] {
    auto tap = Tap::Open({.ring_bytes = 4'096});
    ASSERT_TRUE(tap) << tap.error().message;
    for (const AttachMode mode : {AttachMode::kAuto, AttachMode::kClsact}) {
      const auto attached = (*tap)->Attach(Index("tap0"), Direction::kEgress, mode);
      EXPECT_TRUE(attached) << attached.error().message;
      (*tap)->Detach(Index("tap0"), Direction::kEgress);
    }
  });
}

TEST_F(LoadLab, SizesComeFromTheOptions) {
  const auto skeleton = LoadProgram({.max_flows = 77, .max_endpoints = 33});
  ASSERT_TRUE(skeleton) << skeleton.error().message;
  EXPECT_EQ(bpf_map__max_entries((*skeleton)->maps.rpctee_endpoint), 33U);
  EXPECT_GE(bpf_map__max_entries((*skeleton)->maps.rpctee_flows), 77U);
}

TEST_F(LoadLab, SizesThatMakeNoSenseAreRefused) {
  EXPECT_FALSE(Tap::Open({.ring_bytes = 0x8000'0001U}));
  EXPECT_FALSE(Tap::Open({.rings = 0}));
  EXPECT_FALSE(Tap::Open({.rings = 17}));
  EXPECT_FALSE(Tap::Open({.max_flows = 0}));
  EXPECT_FALSE(Tap::Open({.max_endpoints = 0}));
}

TEST_F(LoadLab, EveryCounterOfTheListIsThere) {
  const auto tap = Tap::Open({.ring_bytes = 4'096});
  ASSERT_TRUE(tap) << tap.error().message;
  const auto counters = (*tap)->Counters();
  ASSERT_TRUE(counters) << counters.error().message;
  ASSERT_EQ(counters->size(), sizeof(rpctee_counters) / sizeof(uint64_t));
  EXPECT_EQ(counters->front().name, "packets");
  EXPECT_EQ(counters->back().name, "reply_latency_full");
}

TEST(EmbeddedObject, IsNamedByItsBytes) {
  const ObjectInfo object = EmbeddedObject();
  EXPECT_GT(object.bytes, 1'000U);
  EXPECT_EQ(object.digest.size(), 16U);
  EXPECT_EQ(object.digest, EmbeddedObject().digest);
}

TEST(LibbpfLog, GivesTheLineThatSaysWhy) {
  LibbpfLog log;
  EXPECT_EQ(log.Reason(), "");
  log.Append("libbpf: prog 'rpctee_tap': BPF program load failed: Permission denied\n");
  EXPECT_EQ(log.Reason(), "") << "the caller says so itself";
  log.Append("-- BEGIN PROG LOAD LOG --\n1978: (0f) r5 += r4\nR5 pointer arithmetic with it prohibited for !root\n");
  log.Append("processed 3379 insns (limit 1000000) max_states_per_insn 6\n-- END PROG LOAD LOG --\n");
  log.Append("libbpf: failed to load object 'rpctee_tap'\n");
  EXPECT_EQ(log.Reason(), "R5 pointer arithmetic with it prohibited for !root");
}

TEST(LibbpfLog, KeepsOnlyTheEndOfALongText) {
  LibbpfLog log;
  log.Append("the reason\n" + std::string(100'000, 'x') + "\nend\n");
  EXPECT_EQ(log.Reason(), "end");
}

}  // namespace
}  // namespace rpctee::tap
