// Tests do not see each other through the program that they share.
#include "bpf/kernel_program.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <string>

#include "bpf/kernel_backend.h"
#include "bpf/tap_program.h"
#include "support/dubbo_frames.h"
#include "support/packet_builder.h"

namespace rpctee::test {
namespace {

using testing::EndsWith;
using testing::UnorderedElementsAre;
using Loading = KernelBackend::Loading;

constexpr TapProgramOptions kOptions = {.ring_bytes = 4096, .rings = 2, .replies = true};
constexpr uint32_t kKeys = 50;  // that are put into each table, at most

uint32_t ProgramId(const KernelBackend& backend) {
  bpf_prog_info info{};
  uint32_t bytes = sizeof(info);
  EXPECT_EQ(bpf_obj_get_info_by_fd(bpf_program__fd(backend.program().for_requests()), &info, &bytes), 0);
  return info.id;
}

size_t ElementBytes(const bpf_map* map) {
  // For per-CPU maps each value is made a multiple of eight bytes.
  return (bpf_map__value_size(map) + 7) / 8 * 8 * static_cast<size_t>(libbpf_num_possible_cpus());
}

bool IsRings(const bpf_map* map) { return bpf_map__type(map) == BPF_MAP_TYPE_ARRAY_OF_MAPS; }
bool IsConstant(const bpf_map* map) { return (bpf_map__map_flags(map) & BPF_F_RDONLY_PROG) != 0; }

// Key and value of each element, by the map's name. Of the rings only which there are, since each has a number of its
// own in the kernel.
std::map<std::string, std::map<ByteVector, ByteVector>> Everything(const KernelBackend& backend) {
  std::map<std::string, std::map<ByteVector, ByteVector>> maps;
  for (const bpf_map* const map : backend.program().maps()) {
    std::map<ByteVector, ByteVector>& elements = maps[bpf_map__name(map)];
    ByteVector key(bpf_map__key_size(map));
    for (const uint8_t* last = nullptr; bpf_map_get_next_key(bpf_map__fd(map), last, key.data()) == 0;
         last = key.data()) {
      ByteVector value(ElementBytes(map));
      if (bpf_map_lookup_elem(bpf_map__fd(map), key.data(), value.data()) == 0) {
        elements[key] = IsRings(map) ? ByteVector() : value;
      }
    }
  }
  return maps;
}

// Writes something into every map that can be written.
void Scribble(const KernelBackend& backend) {
  for (const bpf_map* const map : backend.program().maps()) {
    if (IsConstant(map) || IsRings(map)) {
      continue;
    }
    const ByteVector value(ElementBytes(map), 0x5a);
    for (uint32_t i = 0; i < std::min(bpf_map__max_entries(map), kKeys); ++i) {
      ByteVector key(bpf_map__key_size(map));
      std::memcpy(key.data(), &i, sizeof(i));
      EXPECT_EQ(bpf_map_update_elem(bpf_map__fd(map), key.data(), value.data(), BPF_ANY), 0) << bpf_map__name(map);
    }
  }
}

class KernelProgramTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = WhyNoTapBackend(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
  }
};

TEST_F(KernelProgramTest, IsAsFreshlyLoadedWhateverItsLastUserLeftInItsMaps) {
  const KernelBackend fresh(kOptions, Loading::kFresh);
  ASSERT_EQ(fresh.error(), "");
  const auto expected = Everything(fresh);
  uint32_t id = 0;
  {
    const KernelBackend used(kOptions);
    ASSERT_EQ(used.error(), "");
    id = ProgramId(used);
    Scribble(used);
    std::set<std::string> unchanged;
    for (const auto& [name, elements] : Everything(used)) {
      if (elements == expected.at(name)) {
        unchanged.insert(name);
      }
    }
    // The kernel keeps the locks to itself.
    EXPECT_THAT(unchanged, UnorderedElementsAre("rpctee_locks", "rpctee_rings", EndsWith(".rodata")));
  }
  const KernelBackend again(kOptions);
  ASSERT_EQ(again.error(), "");
  EXPECT_EQ(ProgramId(again), id) << "it was loaded anew";
  for (const auto& [name, elements] : Everything(again)) {
    EXPECT_TRUE(elements == expected.at(name)) << name;
  }
}

TEST_F(KernelProgramTest, ItsRingsAreNewForEachUser) {
  const ByteVector request = DubboRequest(1, 300);
  for (int user = 0; user < 3; ++user) {
    TapProgram tap(kOptions);
    ASSERT_EQ(tap.error(), "");
    tap.Endpoint("10.0.0.2:20880");
    for (uint32_t ring = 0; ring < tap.rings(); ++ring) {
      EXPECT_EQ(tap.BytesTaken(ring), 0U);
      tap.TakeRecords(ring, [](Bytes) { ADD_FAILURE() << "a record of the user before"; });
    }
    for (uint16_t port = 40'000; port < 40'020; ++port) {
      tap.Pass({TcpPacket("10.0.0.1:" + std::to_string(port), "10.0.0.2:20880").Payload(request).Build()});
    }
    EXPECT_GT(tap.BytesTaken(0), 0U);
    EXPECT_GT(tap.BytesTaken(1), 0U);
  }
}

TEST_F(KernelProgramTest, HasOneUserAtATime) {
  const KernelBackend one(kOptions);
  const KernelBackend other(kOptions);
  EXPECT_NE(ProgramId(one), ProgramId(other));
}

TEST_F(KernelProgramTest, IsNotSharedByUsersWithOtherOptions) {
  std::set<uint32_t> ids;
  for (const TapProgramOptions& options :
       {TapProgramOptions{}, TapProgramOptions{.max_request_bytes = 1'000}, TapProgramOptions{.socket_mark = 7},
        TapProgramOptions{.rings = 2}, TapProgramOptions{.replies = true}}) {
    ids.insert(ProgramId(KernelBackend(options)));
  }
  EXPECT_EQ(ids.size(), 5U);
  EXPECT_TRUE(ids.contains(ProgramId(KernelBackend({.ring_bytes = 8192})))) << "rings are not loaded";
}

TEST_F(KernelProgramTest, IsLoadedForWhoWantsItFresh) {
  const uint32_t shared = ProgramId(KernelBackend(kOptions));
  EXPECT_NE(ProgramId(KernelBackend(kOptions, Loading::kFresh)), shared);
}

}  // namespace
}  // namespace rpctee::test
