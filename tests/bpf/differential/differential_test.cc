// The program in the kernel does what its source says: over random and damaged packets it makes the same records and
// the same counts as the same source compiled for this machine, and changes neither packet nor verdict.
//
// RPCTEE_PACKETS and RPCTEE_SEED set how many packets, and which.
#include <gtest/gtest.h>
#include <sched.h>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>

#include "bpf/differential/tap_pair.h"

namespace rpctee::test {
namespace {

constexpr size_t kBatchPackets = 2'000;

// What random packets on one CPU can't bring about, and why.
const std::map<std::string, const char*> kUnreachable = {
    {"flow_busy", "no other CPU works on a flow"},
    {"flow_table_full", "a table that pushes out old flows takes every new one"},
    {"load_failed", "a payload length is checked against the packet before its bytes are read"},
};
// The program for answers counts these; it does not run here.
bool IsOfAnswers(const std::string& counter) { return counter == "replies" || counter.starts_with("reply_"); }

// The program with bpf_loop walks more frames than the kernel lets a test packet hold.
bool IsReachable(const std::string& counter) {
  return kUnreachable.count(counter) == 0 && !IsOfAnswers(counter) && (counter != "walk_limit" || WantsOldProgram());
}

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

// The flow's id has the number of the CPU, and the native program is on CPU 0 always.
bool StayOnCpu0() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(0, &cpus);
  return sched_setaffinity(0, sizeof(cpus), &cpus) == 0;
}

std::optional<std::string> TakeFresh(std::span<const Step> steps) {
  TapPair pair;
  return pair.error().empty() ? pair.Take(steps) : pair.error();
}

// The fewest first steps of a batch that make a difference on programs that were loaded for them, by bisection.
std::string Pin(const std::vector<Step>& batch) {
  const std::span<const Step> steps(batch);
  if (!TakeFresh(steps)) {
    return "freshly loaded programs do not differ: what earlier batches left behind matters";
  }
  size_t good = 0;
  size_t bad = steps.size();
  while (bad - good > 1) {
    const size_t middle = good + (bad - good) / 2;
    (TakeFresh(steps.first(middle)) ? bad : good) = middle;
  }
  return "the first step that makes a difference is " + std::to_string(bad - 1) + ", kind " +
         std::to_string(steps[bad - 1].kind) + ", packet " + Hex(steps[bad - 1].packet) + "\n" +
         TakeFresh(steps.first(bad)).value_or("(but not always)");
}

void Print(const PairCounts& counts, uint64_t seed) {
  std::printf("seed %" PRIu64 ": %" PRIu64 " packets and %" PRIu64 " records compared, %" PRIu64
              " packets refused by the kernel\n%.0f packets/s in the kernel, %.0f natively\n",
              seed, counts.packets, counts.records, counts.refused,
              static_cast<double>(counts.packets + counts.refused) / counts.kernel_time.count(),
              static_cast<double>(counts.packets) / counts.native_time.count());
  for (const auto& [name, value] : counts.counted) {
    std::printf("  %-18s %" PRIu64 "\n", name.c_str(), value);
  }
}

void ExpectThatAllWasReached(const PairCounts& counts) {
#define RPCTEE_EXPECT_MOVED(name, help)                                                                           \
  if (IsReachable(#name)) {                                                                                       \
    EXPECT_EQ(counts.counted.count(#name), 1U) << #name << " never moved: the packets do not get there any more"; \
  }
  RPCTEE_TAP_COUNTERS(RPCTEE_EXPECT_MOVED)
#undef RPCTEE_EXPECT_MOVED
}

class Differential : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = WhyNoTapBackend(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    ASSERT_TRUE(StayOnCpu0());
  }
};

TEST_F(Differential, NoticesADifference) {
  TapProgramOptions other = TapPair::kSmall;
  other.max_request_bytes -= 1'000;
  TapPair pair(TapPair::kSmall, other);
  ASSERT_EQ(pair.error(), "");
  EXPECT_TRUE(pair.Take(Traffic(1).Batch(0, 20 * kBatchPackets)));
}

TEST_F(Differential, TheKernelDoesAsTheSourceSays) {
  const uint64_t seed = FromEnvironment("RPCTEE_SEED", 20880);
  const uint64_t packets = FromEnvironment("RPCTEE_PACKETS", 1'000'000);
  const Traffic traffic(seed);
  auto pair = std::make_unique<TapPair>();
  ASSERT_EQ(pair->error(), "");
  for (uint64_t batch = 0; pair->counts().packets < packets; ++batch) {
    const std::vector<Step> steps = traffic.Batch(batch, kBatchPackets);
    if (const auto difference = pair->Take(steps)) {
      FAIL() << "seed " << seed << ", batch " << batch << ": " << *difference << "\n" << Pin(steps);
    }
    pair->Forget();
  }
  Print(pair->counts(), seed);
  ExpectThatAllWasReached(pair->counts());
  EXPECT_LT(pair->counts().refused, packets / 20) << "too many packets never reach the program";
}

}  // namespace
}  // namespace rpctee::test
