// How much of a ring the requests of the recorded captures take besides their own bytes, by the ring's own count.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "bpf/tap_program.h"
#include "support/dubbo_frames.h"
#include "support/packet_builder.h"
#include "support/packet_template.h"
#include "support/source_dir.h"
#include "support/thrift_frames.h"

namespace rpctee::test {
namespace {

// The most records that a network card makes of a request, and so the most waste; offloads leave fewer and longer ones.
constexpr size_t kSegmentBytes = 1448;
constexpr double kMostWaste = 0.25;

struct Sizes {
  std::vector<uint32_t> dubbo;
  std::vector<uint32_t> thrift;  // of messages with a length in front
};

// From the manifest of the captures: what counts as a request.
Sizes SizesOfCaptures() {
  const std::string command = "xz -dc '" + SourceDir() + "/tests/captures/manifest.jsonl.xz'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 65'536> buffer{};
  for (size_t bytes = 1; pipe && bytes != 0; text.append(buffer.data(), bytes)) {
    bytes = std::fread(buffer.data(), 1, buffer.size(), pipe.get());
  }
  Sizes sizes;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const auto frame = nlohmann::json::parse(text.substr(at, end - at));
    if (frame["proto"] == "dubbo" && frame["req"] && !frame["event"]) {
      sizes.dubbo.push_back(frame["size"]);
    } else if (frame["proto"] == "thrift" && frame["framing"] != "unframed") {
      sizes.thrift.push_back(frame["size"]);
    }
    at = end + 1;
  }
  return sizes;
}

ByteVector DubboOfSize(uint32_t bytes) { return DubboFrame(kDubboTwoWay, 1, ByteVector(bytes - 16)); }

ByteVector ThriftOfSize(uint32_t bytes) { return ThriftFrame(ByteVector(bytes - 4)); }

struct Waste {
  uint64_t request_bytes = 0;
  uint64_t ring_bytes = 0;
  double share() const { return 1 - static_cast<double>(request_bytes) / static_cast<double>(ring_bytes); }
};

class RingWasteTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = WhyNoTapBackend(); !reason.empty()) {
      GTEST_SKIP() << reason;
    }
    tap_ = std::make_unique<TapProgram>(TapProgramOptions{});
    ASSERT_EQ(tap_->error(), "");
    tap_->Endpoint("10.0.0.2:20880");
  }

  // Sends them on one connection, which `first` shows to be of their protocol, and looks at the ring after each.
  std::vector<Waste> Send(const std::string& source, const ByteVector& first, const std::vector<uint32_t>& sizes,
                          ByteVector (*request_of)(uint32_t)) {
    const PacketTemplate packets(TcpPacket(source, "10.0.0.2:20880"));
    uint32_t seq = 1;
    tap_->Pass({packets.Packet(0, kSyn, {}), packets.Packet(seq, kAck | kPsh, first)});
    seq += static_cast<uint32_t>(first.size());
    std::vector<Waste> wastes;
    for (const uint32_t size : sizes) {
      const ByteVector request = request_of(size);
      EXPECT_EQ(request.size(), size);
      const uint64_t before = tap_->BytesTaken(0);
      for (size_t at = 0; at < request.size(); at += kSegmentBytes) {
        const ByteVector segment = Slice(request, at, at + kSegmentBytes);
        tap_->Pass({packets.Packet(seq, kAck, segment)});
        seq += static_cast<uint32_t>(segment.size());
      }
      wastes.push_back({size, tap_->BytesTaken(0) - before});
      EXPECT_EQ(tap_->Records().frames.back(), request);
    }
    return wastes;
  }

  std::unique_ptr<TapProgram> tap_;
};

// Asserted are the waste of all requests together, and that of the request in the middle when they stand by size. It is
// no bound for each: what is shorter than some 240 bytes takes a longer record header than a quarter of its record.
TEST_F(RingWasteTest, TheRequestsOfTheCapturesAndTheMedianOneWasteAtMostAQuarterOfTheRing) {
  const Sizes sizes = SizesOfCaptures();
  ASSERT_EQ(sizes.dubbo.size(), 2771U);
  ASSERT_EQ(sizes.thrift.size(), 227U);
  std::vector<Waste> wastes = Send("10.0.0.1:40000", DubboRequest(1), sizes.dubbo, DubboOfSize);
  const ByteVector first = ThriftFrame(ThriftBinary(1, "ping", ByteVector{0}));
  const std::vector<Waste> thrift = Send("10.0.0.1:40001", first, sizes.thrift, ThriftOfSize);
  wastes.insert(wastes.end(), thrift.begin(), thrift.end());

  Waste all;
  for (const Waste& waste : wastes) {
    all.request_bytes += waste.request_bytes;
    all.ring_bytes += waste.ring_bytes;
  }
  const auto middle = wastes.begin() + static_cast<std::ptrdiff_t>(wastes.size() / 2);
  std::nth_element(wastes.begin(), middle, wastes.end(),
                   [](const Waste& a, const Waste& b) { return a.request_bytes < b.request_bytes; });
  EXPECT_LE(all.share(), kMostWaste) << all.ring_bytes << " bytes of ring for " << all.request_bytes;
  EXPECT_LE(middle->share(), kMostWaste) << middle->ring_bytes << " bytes of ring for " << middle->request_bytes;
  EXPECT_GT(all.share(), 0.0);
  RecordProperty("waste_of_all", std::to_string(all.share()));
  RecordProperty("waste_of_the_median", std::to_string(middle->share()));
  std::printf("waste: %.1f %% of all, %.1f %% at the median of %lu bytes\n", 100 * all.share(), 100 * middle->share(),
              static_cast<unsigned long>(middle->request_bytes));
}

}  // namespace
}  // namespace rpctee::test
