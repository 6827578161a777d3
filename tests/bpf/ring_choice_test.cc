// Which ring a flow has: all rings get their part of the flows, and a flow keeps its ring whatever happens to it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <set>

#include "bpf/tap_program.h"
#include "support/dubbo_frames.h"
#include "support/packet_builder.h"
#include "support/packet_template.h"

namespace rpctee::test {
namespace {

constexpr uint32_t kFlows = 4'000;

std::string Ipv4(uint32_t bits) {
  return std::to_string(bits >> 24) + "." + std::to_string(bits >> 16 & 255) + "." + std::to_string(bits >> 8 & 255) +
         "." + std::to_string(bits & 255);
}

SocketAddress Address(const std::string& text) { return SocketAddress::Parse(text).value(); }

// Who connects: random addresses and ports, as the internet would; one host with its ports in a row; a rack of hosts
// that all have the same port; hosts and ports in steps of a power of two.
SocketAddress RandomConsumer(uint32_t, std::mt19937& random) {
  const auto host = static_cast<uint32_t>(0x01000000 + random() % 0xdf000000);
  return Address(Ipv4(host) + ":" + std::to_string(1024 + random() % 64'000));
}
SocketAddress PortsInARow(uint32_t number, std::mt19937&) {
  return Address("10.3.0.9:" + std::to_string(32'768 + number));
}
SocketAddress EvenPorts(uint32_t number, std::mt19937&) {
  return Address("10.3.0.9:" + std::to_string(32'768 + 2 * number));
}
SocketAddress HostsInARow(uint32_t number, std::mt19937&) { return Address(Ipv4(0x0a040000 + number) + ":40000"); }
SocketAddress HostsInSteps(uint32_t number, std::mt19937&) {
  return Address(Ipv4(0x0a000000 + number % 250 * 256) + ":" + std::to_string(32'768 + number / 250 * 64));
}

class RingChoiceTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = WhyNoTapBackend(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
  }
  void Load(uint32_t rings) {
    tap_ = std::make_unique<TapProgram>(TapProgramOptions{.rings = rings});
    ASSERT_EQ(tap_->error(), "");
    tap_->Endpoint("10.0.0.2:20880");
    tap_->Endpoint("[fd00::2]:20880");
  }

  using Consumer = SocketAddress (*)(uint32_t number, std::mt19937& random);
  // How many of the flows went to each ring.
  std::vector<uint32_t> Spread(Consumer consumer) {
    std::mt19937 random(7);
    std::vector<uint32_t> flows(tap_->rings());
    PacketTemplate packets(TcpPacket("10.0.0.1:1", "10.0.0.2:20880"));
    std::set<SocketAddress> known;
    while (known.size() < kFlows) {
      const SocketAddress source = consumer(static_cast<uint32_t>(known.size()), random);
      if (!known.insert(source).second) {
        continue;
      }
      packets.SetSource(source);
      tap_->Pass({packets.Packet(1, kAck | kPsh, request_)});
      for (uint32_t ring = 0; ring < tap_->rings(); ++ring) {
        tap_->TakeRecords(ring, [&](Bytes) { ++flows[ring]; });
      }
    }
    tap_->Forget();
    return flows;
  }

  // The rings that took a record since the last call.
  std::set<uint32_t> Rings() {
    std::set<uint32_t> rings;
    for (uint32_t ring = 0; ring < tap_->rings(); ++ring) {
      tap_->TakeRecords(ring, [&](Bytes bytes) {
        rings.insert(ring);
        std::memcpy(&last_, bytes.data(), sizeof(last_));
        kinds_.insert(last_.kind);
      });
    }
    return rings;
  }
  // Says it of the flow that the last record is of.
  void TakeBack(uint32_t holes) {
    tap_->Say(last_.flow, {.flow_id = last_.flow_id,
                           .holes = holes,
                           .word = RPCTEE_WORD_TAKE_BACK,
                           .content = RPCTEE_CONTENT_DUBBO,
                           .zero = 0});
  }

  const ByteVector request_ = DubboRequest(1, 300);
  std::unique_ptr<TapProgram> tap_;
  rpctee_record last_{};
  std::set<uint32_t> kinds_;
};

// Pearson's statistic against equal parts.
double ChiSquare(const std::vector<uint32_t>& counts) {
  const double expected = static_cast<double>(kFlows) / static_cast<double>(counts.size());
  double sum = 0;
  for (const uint32_t count : counts) {
    sum += (count - expected) * (count - expected) / expected;
  }
  return sum;
}

// A flow's ring is the same in every run, so what is below the bound stays there. By chance one set in a million would
// be above it: chi-square with as many degrees of freedom as there are rings, less one.
TEST_F(RingChoiceTest, FlowsSpreadOverAllRingsAsIfByChance) {
  const std::map<uint32_t, double> once_in_a_million = {{2, 23.9}, {3, 27.6}, {4, 30.7}, {16, 56.5}};
  const std::map<std::string, Consumer> consumers = {{"random hosts and ports", RandomConsumer},
                                                     {"one host, ports in a row", PortsInARow},
                                                     {"one host, even ports", EvenPorts},
                                                     {"hosts in a row, one port", HostsInARow},
                                                     {"hosts and ports in steps", HostsInSteps}};
  for (const auto& [rings, bound] : once_in_a_million) {
    Load(rings);
    for (const auto& [name, consumer] : consumers) {
      const std::vector<uint32_t> flows = Spread(consumer);
      EXPECT_LT(ChiSquare(flows), bound) << rings << " rings, " << name << ": " << testing::PrintToString(flows);
    }
  }
}

TEST_F(RingChoiceTest, AFlowKeepsItsRingThroughStreamAndBackAndWhenItsPortIsUsedAgain) {
  Load(4);
  std::map<uint32_t, uint32_t> flows;  // by ring
  for (uint32_t number = 0; number < 64; ++number) {
    const bool is_v4 = number % 2 == 0;
    const std::string host = std::to_string(number + 1);
    const auto at = [&](uint32_t seq, Bytes payload, uint8_t flags = kAck | kPsh) {
      return (is_v4 ? TcpPacket("10.2.0." + host + ":40000", "10.0.0.2:20880")
                    : TcpPacket("[fd00::" + host + "]:40000", "[fd00::2]:20880"))
          .Seq(seq)
          .Flags(flags)
          .Payload(payload)
          .Build();
    };
    kinds_.clear();
    tap_->Pass({at(0, {}, kSyn), at(1, request_)});
    const std::set<uint32_t> own = Rings();
    ASSERT_EQ(own.size(), 1U);
    // A hole, what fills it, and back.
    tap_->Pass({at(601, request_), at(301, request_)});
    EXPECT_EQ(Rings(), own);
    TakeBack(1);
    tap_->Pass({at(901, request_), at(1201, Slice(request_, 0, 100))});
    EXPECT_EQ(Rings(), own);
    // Reset inside a request, and the next connection of the same addresses.
    tap_->Pass({at(1301, {}, kRst), at(90'000, {}, kSyn), at(90'001, request_)});
    EXPECT_EQ(Rings(), own);
    EXPECT_THAT(kinds_, testing::ElementsAre(RPCTEE_RECORD_PART, RPCTEE_RECORD_CUT, RPCTEE_RECORD_STREAM_BEGIN,
                                             RPCTEE_RECORD_STREAM_DATA, RPCTEE_RECORD_STREAM_END));
    ++flows[*own.begin()];
  }
  EXPECT_EQ(flows.size(), 4U) << "the flows are not all on one ring";
}

}  // namespace
}  // namespace rpctee::test
