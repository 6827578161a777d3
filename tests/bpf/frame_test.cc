// Framing: whatever packets a stream of requests comes in, exactly the requests come out, byte for byte.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bpf/tap_program.h"
#include "support/dubbo_frames.h"
#include "support/packet_builder.h"

namespace rpctee::test {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// One connection: packets that continue it, each with the right sequence number.
class Stream {
 public:
  explicit Stream(uint32_t seq = 1, const char* source = "10.0.0.1:40000") : seq_(seq), source_(source) {}

  ByteVector Next(Bytes payload) {
    const ByteVector packet = TcpPacket(source_, "10.0.0.2:20880").Seq(seq_).Payload(payload).Build();
    seq_ += static_cast<uint32_t>(payload.size());
    return packet;
  }
  // `bytes` in packets that end at each of the offsets.
  std::vector<ByteVector> Cut(const ByteVector& bytes, const std::vector<size_t>& offsets) {
    std::vector<ByteVector> packets;
    size_t from = 0;
    for (const size_t to : offsets) {
      packets.push_back(Next(Slice(bytes, from, to)));
      from = to;
    }
    packets.push_back(Next(Slice(bytes, from)));
    return packets;
  }
  std::vector<ByteVector> CutEvery(const ByteVector& bytes, size_t step) {
    std::vector<size_t> offsets;
    for (size_t offset = step; offset < bytes.size(); offset += step) {
      offsets.push_back(offset);
    }
    return Cut(bytes, offsets);
  }

 private:
  uint32_t seq_;
  const char* source_;
};

using FrameTest = TapProgramTest;

TEST_F(FrameTest, ManyRequestsInAPacketAllComeOut) {
  std::vector<ByteVector> requests;
  ByteVector payload;
  for (uint64_t id = 0; id < 12; ++id) {
    requests.push_back(DubboRequest(id, 250 + id));
    payload = Join({payload, requests.back()});
  }
  tap_->Pass({Stream().Next(payload)});
  EXPECT_EQ(tap_->Records().frames, requests);
  EXPECT_THAT(tap_->Counted(), Contains(Pair("seen", 12)));
}

TEST_F(FrameTest, PacketBoundaryAtEveryByteOfTwoRequests) {
  const ByteVector first = DubboRequest(1, 240);
  const ByteVector second = DubboRequest(2, 260);
  const ByteVector both = Join({first, second});
  for (size_t cut = 1; cut < both.size(); ++cut) {
    const auto seq = static_cast<uint32_t>(10'000 * cut);
    Stream stream(seq);
    Connect("10.0.0.1:40000", "10.0.0.2:20880", seq);
    tap_->Pass(stream.Cut(both, {cut}));
    EXPECT_THAT(tap_->Records().frames, ElementsAre(first, second)) << "cut at " << cut;
  }
}

TEST_F(FrameTest, HeaderCutIntoPiecesOfEverySize) {
  const ByteVector first = DubboRequest(1, 240);
  const ByteVector second = DubboRequest(2, 260);
  const ByteVector both = Join({first, second});
  for (size_t step = 1; step <= 40; ++step) {
    const auto seq = static_cast<uint32_t>(10'000 * step);
    Connect("10.0.0.1:40000", "10.0.0.2:20880", seq);
    tap_->Pass(Stream(seq).CutEvery(both, step));
    EXPECT_THAT(tap_->Records().frames, ElementsAre(first, second)) << "pieces of " << step;
    auto counted = tap_->Counted();
    EXPECT_EQ(counted["seen"], 2U) << "pieces of " << step;
    EXPECT_EQ(counted["sampled"], 2U) << "pieces of " << step;
  }
}

TEST_F(FrameTest, RequestLargerThanAPacketAndThanARecord) {
  const ByteVector request = DubboRequest(7, 100'000);
  const ByteVector next = DubboRequest(8, 300);
  tap_->Pass(Stream().CutEvery(Join({request, next}), 1448));
  EXPECT_THAT(tap_->Records().frames, ElementsAre(request, next));
}

TEST_F(FrameTest, SequenceNumbersWrap) {
  const ByteVector request = DubboRequest(7, 3000);
  Connect("10.0.0.1:40000", "10.0.0.2:20880", 0xffffff00);
  tap_->Pass(Stream(0xffffff00).CutEvery(Join({request, request}), 1000));
  EXPECT_THAT(tap_->Records().frames, ElementsAre(request, request));
}

TEST_F(FrameTest, BodyWithoutBytesIsARequestOfItsHeader) {
  const ByteVector first = DubboRequest(1, 300);
  const ByteVector empty = DubboFrame(kDubboTwoWay, 2, {});
  const ByteVector last = DubboRequest(3, 300);
  Stream stream;
  tap_->Pass({stream.Next(Join({first, empty, last}))});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(first, empty, last));
  // And when a packet boundary cuts it.
  tap_->Pass(stream.Cut(Join({empty, last}), {9}));
  EXPECT_THAT(tap_->Records().frames, ElementsAre(empty, last));
}

TEST_F(FrameTest, EventsAndAnswersAreCountedAndNotCopied) {
  const ByteVector request = DubboRequest(1, 300);
  const ByteVector oneway = DubboRequest(2, 300, kDubboOneWay);
  tap_->Pass({Stream().Next(
      Join({request, DubboHeartbeat(5), DubboReadonly(6), DubboResponse(7), oneway, DubboHeartbeat(8)}))});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(request, oneway));
  const auto counted = tap_->Counted();
  EXPECT_THAT(counted, Contains(Pair("events", 3)));
  EXPECT_THAT(counted, Contains(Pair("responses", 1)));
  EXPECT_THAT(counted, Contains(Pair("seen", 2)));
}

TEST_F(FrameTest, AConnectionMayBeginWithAHeartbeat) {
  const ByteVector request = DubboRequest(1, 300);
  tap_->Pass({Stream().Next(Join({DubboHeartbeat(5), request}))});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(request));
  ByteVector no_event = DubboHeartbeat(5);
  no_event[12] = 1;
  Connect("10.0.0.1:40001", "10.0.0.2:20880");
  tap_->Pass({Stream(1, "10.0.0.1:40001").Next(Join({no_event, request}))});
  EXPECT_THAT(tap_->Counted(), Contains(Pair("ignored_other", 1))) << "events are short";
}

TEST_F(FrameTest, UnsampledRequestsLeaveNothingInTheRing) {
  tap_->Endpoint("10.0.0.2:20880", 0);
  tap_->Pass({Stream().Next(Join({DubboRequest(1, 300), DubboRequest(2, 300)}))});
  EXPECT_EQ(tap_->Records().records, 0U);
  EXPECT_THAT(tap_->Counted(), Contains(Pair("not_sampled", 2)));
}

TEST_F(FrameTest, HalfOfTheDrawsIsBelowHalf) {
  tap_->Endpoint("10.0.0.2:20880", RPCTEE_THRESHOLD_ALL / 2);
  Stream stream;
  constexpr uint64_t kPackets = 1000;
  constexpr uint64_t kPerPacket = 10;
  uint64_t copied = 0;
  const ByteVector request = DubboRequest(1, 250);
  ByteVector payload;
  for (uint64_t i = 0; i < kPerPacket; ++i) {
    payload = Join({payload, request});
  }
  for (uint64_t i = 0; i < kPackets; ++i) {
    tap_->Pass({stream.Next(payload)});
    const auto records = tap_->Records();
    copied += records.frames.size();
    for (const uint32_t draw : records.draws) {
      ASSERT_LT(draw, RPCTEE_THRESHOLD_ALL / 2);
    }
  }
  auto counted = tap_->Counted();
  EXPECT_EQ(counted["seen"], kPackets * kPerPacket);
  EXPECT_EQ(counted["sampled"], copied);
  EXPECT_EQ(counted["sampled"] + counted["not_sampled"], kPackets * kPerPacket);
  // 10,000 draws at one half: five standard deviations are 250.
  EXPECT_NEAR(static_cast<double>(copied), 5000, 250);
}

TEST_F(FrameTest, TooBigIsSkippedWholeAndTheNextRequestFound) {
  TapProgram tap({.max_request_bytes = 1000});
  ASSERT_EQ(tap.error(), "");
  tap.Endpoint("10.0.0.2:20880");
  const ByteVector exact = DubboRequest(1, 1000);
  const ByteVector big = DubboRequest(2, 1001);
  const ByteVector next = DubboRequest(3, 300);
  tap.Pass({TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Flags(kSyn).Seq(0).Build()});
  tap.Pass(Stream().CutEvery(Join({exact, big, next}), 700));
  EXPECT_THAT(tap.Records().frames, ElementsAre(exact, next));
  auto counted = tap.Counted();
  EXPECT_EQ(counted["too_big"], 1U);
  EXPECT_EQ(counted["seen"], 3U);
}

TEST_F(FrameTest, NegativeLengthLosesSyncAndTheNextPacketWithARequestFindsIt) {
  ByteVector bomb = DubboRequest(2, 300);
  bomb[12] = 0xff;
  const ByteVector request = DubboRequest(1, 300);
  Stream stream;
  tap_->Pass({stream.Next(request), stream.Next(bomb), stream.Next(request)});
  EXPECT_THAT(tap_->Records().frames, ElementsAre(request, request));
  EXPECT_THAT(tap_->Counted(), Contains(Pair("lost_sync", 1)));
}

TEST_F(FrameTest, ADubboBodyOf256MebibytesIsPassedOverAndAByteMoreIsNoFrame) {
  ByteVector head = Slice(DubboRequest(2, 300), 0, 100);
  const auto announce = [&](uint32_t body_bytes) {
    for (size_t i = 0; i < 4; ++i) {
      head[12 + i] = static_cast<uint8_t>(body_bytes >> (24 - 8 * i));
    }
    Stream stream;
    tap_->Forget();
    Connect("10.0.0.1:40000", "10.0.0.2:20880");
    tap_->Pass({stream.Next(DubboRequest(1, 300)), stream.Next(head)});
    return tap_->Counted();
  };
  EXPECT_THAT(announce(RPCTEE_BODY_MAX), Contains(Pair("too_big", 1)));
  EXPECT_THAT(announce(RPCTEE_BODY_MAX + 1), Contains(Pair("lost_sync", 1)));
}

TEST_F(FrameTest, AFullRingDropsWholeRequestsAndCountsEach) {
  TapProgram tap({.ring_bytes = 4096});
  ASSERT_EQ(tap.error(), "");
  tap.Endpoint("10.0.0.2:20880");
  Stream stream;
  const ByteVector request = DubboRequest(1, 1000);
  for (int i = 0; i < 10; ++i) {
    tap.Pass({stream.Next(request)});
  }
  auto counted = tap.Counted();
  EXPECT_EQ(counted["seen"], 10U);
  EXPECT_EQ(counted["sampled"], 3U);
  EXPECT_EQ(counted["ring_full"], 7U);
  EXPECT_EQ(tap.Records().frames.size(), 3U);
  tap.Pass({stream.Next(request)});
  EXPECT_EQ(tap.Records().frames.size(), 1U) << "there is room again";
}

TEST_F(FrameTest, ALaterPartThatDoesNotFitCutsTheRequest) {
  TapProgram tap({.ring_bytes = 4096});
  ASSERT_EQ(tap.error(), "");
  tap.Endpoint("10.0.0.2:20880");
  Stream stream;
  const ByteVector big = DubboRequest(1, 6000);
  tap.Pass({TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Flags(kSyn).Seq(0).Build()});
  tap.Pass(stream.CutEvery(big, 1200));
  auto counted = tap.Counted();
  EXPECT_EQ(counted["sampled"], 1U);
  EXPECT_EQ(counted["parts_lost"], 1U) << "after the first loss the rest is not copied";
  const auto copied = tap.Records();
  EXPECT_THAT(copied.frames, IsEmpty());
  EXPECT_THAT(copied.cuts, ElementsAre(static_cast<uint32_t>(RPCTEE_CUT_RING_FULL)));
  const ByteVector next = DubboRequest(2, 300);
  tap.Pass({stream.Next(next)});
  EXPECT_THAT(tap.Records().frames, ElementsAre(next));
}

}  // namespace
}  // namespace rpctee::test
