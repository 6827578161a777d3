// The native maps do as the kernel's do, and machines do not know of each other.
#include "native/maps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <cerrno>
#include <cstring>

#include "bpf/tap_program.h"
#include "native/native_backend.h"
#include "support/dubbo_frames.h"
#include "support/packet_builder.h"

namespace rpctee::test::native {
namespace {

uint64_t ValueAt(Map& map, uint32_t key) {
  const auto* const value = static_cast<const uint64_t*>(map.Lookup(&key));
  return value == nullptr ? 0 : *value;
}

int Put(Map& map, uint32_t key, uint64_t value, uint64_t flags = BPF_ANY) { return map.Update(&key, &value, flags); }

TEST(NativeHashMap, RefusesWhatDoesNotFitAndWhatTheFlagsForbid) {
  HashMap map(2, sizeof(uint32_t), sizeof(uint64_t), false);
  EXPECT_EQ(Put(map, 1, 10), 0);
  EXPECT_EQ(Put(map, 1, 11, BPF_NOEXIST), -EEXIST);
  EXPECT_EQ(Put(map, 2, 20, BPF_EXIST), -ENOENT);
  EXPECT_EQ(Put(map, 2, 20), 0);
  EXPECT_EQ(Put(map, 3, 30), -E2BIG);
  EXPECT_EQ(Put(map, 1, 12), 0);
  EXPECT_EQ(ValueAt(map, 1), 12U);
  const uint32_t key = 3;
  EXPECT_EQ(map.Delete(&key), -ENOENT);
}

TEST(NativeHashMap, PushesOutWhatWasUsedLeastRecentlyWhenItMay) {
  HashMap map(2, sizeof(uint32_t), sizeof(uint64_t), true);
  Put(map, 1, 10);
  Put(map, 2, 20);
  ValueAt(map, 1);
  EXPECT_EQ(Put(map, 3, 30), 0);
  EXPECT_EQ(map.size(), 2U);
  EXPECT_EQ(ValueAt(map, 1), 10U);
  EXPECT_EQ(ValueAt(map, 2), 0U);
}

TEST(NativeHashMap, KeepsADeletedOrReplacedValueUntilTheRunEnds) {
  HashMap map(4, sizeof(uint32_t), sizeof(uint64_t), true);
  const uint32_t key = 7;
  Put(map, key, 1);
  auto* const first = static_cast<uint64_t*>(map.Lookup(&key));
  Put(map, key, 2);
  EXPECT_EQ(*first, 1U) << "an update makes a new element";
  auto* const second = static_cast<uint64_t*>(map.Lookup(&key));
  map.Delete(&key);
  Put(map, key, 3);
  *second = 9;
  EXPECT_EQ(ValueAt(map, key), 3U);
  map.EndRun();
  EXPECT_EQ(ValueAt(map, key), 3U);
}

TEST(NativeArrayMap, HasAllItsElementsAndNoOthers) {
  ArrayMap map(3, 12, false);
  uint32_t key = 2;
  const std::array<uint8_t, 12> value = {1, 2, 3};
  EXPECT_EQ(map.Update(&key, value.data(), BPF_NOEXIST), -EEXIST);
  EXPECT_EQ(map.Update(&key, value.data(), BPF_ANY), 0);
  EXPECT_EQ(std::memcmp(map.Lookup(&key), value.data(), value.size()), 0);
  EXPECT_EQ(map.Delete(&key), -EINVAL);
  key = 3;
  EXPECT_EQ(map.Lookup(&key), nullptr);
}

std::vector<size_t> Lengths(RingMap& ring) {
  std::vector<size_t> lengths;
  ring.Drain([&](Bytes bytes) { lengths.push_back(bytes.size()); });
  return lengths;
}

TEST(NativeRingMap, IsFullWhereTheKernelsIs) {
  RingMap ring(4096);
  // A header of 8 bytes and padding to 8: 112 bytes each, and the last byte of the ring is never used.
  for (int i = 0; i < 36; ++i) {
    void* const record = ring.Reserve(97);
    ASSERT_NE(record, nullptr) << i;
    ring.Commit(record, false);
  }
  EXPECT_EQ(ring.Reserve(56), nullptr) << "4096 of 4096 bytes";
  EXPECT_NE(ring.Reserve(48), nullptr);
}

TEST(NativeRingMap, HoldsBackWhatComesAfterARecordThatIsNotCommitted) {
  RingMap ring(4096);
  void* const first = ring.Reserve(10);
  void* const second = ring.Reserve(20);
  void* const third = ring.Reserve(30);
  EXPECT_TRUE(ring.Commit(third, false));
  EXPECT_TRUE(ring.Commit(second, true));
  EXPECT_THAT(Lengths(ring), testing::IsEmpty());
  EXPECT_TRUE(ring.Commit(first, false));
  EXPECT_THAT(Lengths(ring), testing::ElementsAre(10, 30));
  EXPECT_EQ(ring.Query(BPF_RB_AVAIL_DATA), 0U);
}

TEST(NativeMachine, EachHasMapsOfItsOwn) {
  TapProgram tap(std::make_unique<NativeBackend>(TapProgramOptions{}));
  tap.Endpoint("10.0.0.2:20880");
  const ByteVector packet = TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Payload(DubboRequest(1)).Build();
  tap.Pass({packet});
  TapProgram other(std::make_unique<NativeBackend>(TapProgramOptions{}));
  other.Pass({packet});
  tap.Pass({packet});
  EXPECT_EQ(tap.Counted()["endpoint_packets"], 2U);
  EXPECT_EQ(other.Counted()["not_endpoint"], 1U);
}

TEST(NativeMachine, ForgetsWhatTheProgramWroteAndKeepsWhatTheAgentDid) {
  TapProgram tap(std::make_unique<NativeBackend>(TapProgramOptions{}));
  tap.Endpoint("10.0.0.2:20880");
  const ByteVector packet = TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Payload(DubboRequest(1)).Build();
  tap.Pass({packet});
  tap.Forget();
  EXPECT_THAT(tap.Counted(), testing::IsEmpty());
  EXPECT_EQ(tap.Records().records, 0U);
  tap.Pass({packet});
  EXPECT_EQ(tap.Records().records, 1U) << "not a retransmission: the flow was forgotten";
}

// The draw of a flow's first request, when the kernel's generator says `seed`; time stands still.
uint32_t FirstDraw(uint32_t seed) {
  auto backend = std::make_unique<NativeBackend>(TapProgramOptions{});
  backend->SetTime(1'000);
  backend->SetDraws([seed] { return seed; });
  TapProgram tap(std::move(backend));
  tap.Heartbeat(900);
  tap.Endpoint("10.0.0.2:20880");
  tap.Pass({TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Payload(DubboRequest(1)).Build()});
  const std::vector<uint32_t> draws = tap.Records().draws;
  return draws.size() == 1 ? draws[0] : 0;
}

TEST(NativeMachine, TimeAndDrawsAreTheTests) {
  EXPECT_EQ(FirstDraw(77), FirstDraw(77));
  EXPECT_NE(FirstDraw(77), FirstDraw(78));
}

TEST(NativeMachine, AFlowThatNoTableTakesIsCounted) {
  auto backend = std::make_unique<NativeBackend>(TapProgramOptions{.replies = true});
  NativeBackend& tables = *backend;
  TapProgram tap(std::move(backend));
  tap.Endpoint("10.0.0.2:20880");
  const ByteVector request = TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Payload(DubboRequest(1)).Build();
  ByteVector answer = DubboResponse(1);
  answer.at(3) = 20;
  tables.RefuseKeys("rpctee_flows", true);
  tap.Pass({request});
  EXPECT_EQ(tap.Counted()["flow_table_full"], 1U);
  tables.RefuseKeys("rpctee_flows", false);
  tap.Pass({request});
  tables.RefuseKeys("rpctee_answers", true);
  tap.Counted();
  tap.PassAnswers({TcpPacket("10.0.0.2:20880", "10.0.0.1:40000").Payload(answer).Build()});
  EXPECT_EQ(tap.Counted(), (std::map<std::string, uint64_t>{{"reply_packets", 1}, {"reply_table_full", 1}}));
}

TEST(NativeMachine, ARingThatRefusesIsFull) {
  auto backend = std::make_unique<NativeBackend>(TapProgramOptions{});
  backend->RefuseRecords(true);
  TapProgram tap(std::move(backend));
  tap.Endpoint("10.0.0.2:20880");
  tap.Pass({TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Payload(DubboRequest(1)).Build()});
  EXPECT_EQ(tap.Counted()["ring_full"], 1U);
}

}  // namespace
}  // namespace rpctee::test::native
