// The draw: every share gets what it says, and a smaller share's requests are among those of a larger one.
#include <gtest/gtest.h>

#include <cmath>

#include "bpf/tap_program.h"
#include "route/share.h"
#include "support/dubbo_frames.h"
#include "support/packet_builder.h"

namespace rpctee::test {
namespace {

constexpr uint64_t kRequests = 1'000'000;
constexpr size_t kRequestsInAPacket = 200;
constexpr double kOutside = 0.001;  // how often a true binomial count would fall outside the interval

// 0, 0.0001, 0.1, 1, 5, 50, 99.9 and 100 %.
constexpr uint32_t kShares[] = {0, 1, 1'000, 10'000, 50'000, 500'000, 999'000, 1'000'000};

struct Interval {
  uint64_t low = 0;
  uint64_t high = 0;
};

// The counts between which a binomial variable falls but for kOutside, half of it on each side; exact, from the sum of
// probabilities.
Interval BinomialInterval(uint64_t n, double p) {
  if (p <= 0 || p >= 1) {
    const uint64_t certain = p <= 0 ? 0 : n;
    return {certain, certain};
  }
  const auto count = static_cast<double>(n);
  Interval interval;
  bool low_found = false;
  double sum = 0;
  for (uint64_t k = 0; k <= n; ++k) {
    const auto hits = static_cast<double>(k);
    sum += std::exp(std::lgamma(count + 1) - std::lgamma(hits + 1) - std::lgamma(count - hits + 1) +
                    hits * std::log(p) + (count - hits) * std::log1p(-p));
    if (!low_found && sum > kOutside / 2) {
      interval.low = k;
      low_found = true;
    }
    if (sum >= 1 - kOutside / 2) {
      interval.high = k;
      return interval;
    }
  }
  interval.high = n;
  return interval;
}

class DrawTest : public TapProgramTest {
 protected:
  // Sends kRequests requests at this share; returns how many were sampled.
  uint64_t Sample(uint32_t millionths) {
    tap_->Endpoint("10.0.0.2:20880", route::Share{millionths}.Threshold());
    tap_->Counted();
    draws_.clear();
    for (uint64_t sent = 0; sent < kRequests; sent += kRequestsInAPacket) {
      const RunResult result = tap_->Run(NextPacket());
      EXPECT_EQ(result.verdict, kContinue);
      const auto copied = tap_->Records();
      draws_.insert(draws_.end(), copied.draws.begin(), copied.draws.end());
    }
    auto counted = tap_->Counted();
    EXPECT_EQ(counted["seen"], kRequests);
    EXPECT_EQ(counted["sampled"] + counted["not_sampled"], kRequests);
    EXPECT_EQ(counted["sampled"], draws_.size());
    return counted["sampled"];
  }

  std::vector<uint32_t> draws_;  // of what was sampled

 private:
  ByteVector NextPacket() {
    const ByteVector packet = TcpPacket("10.0.0.1:40000", "10.0.0.2:20880").Seq(seq_).Payload(payload_).Build();
    seq_ += static_cast<uint32_t>(payload_.size());
    return packet;
  }

  // The first request of a packet is a whole one, so that a flow can start there; the others are as short as can be.
  static ByteVector Payload() {
    ByteVector payload = DubboRequest(0, 250);
    const ByteVector shortest = DubboFrame(kDubboTwoWay, 1, {});
    for (size_t i = 1; i < kRequestsInAPacket; ++i) {
      payload.insert(payload.end(), shortest.begin(), shortest.end());
    }
    return payload;
  }

  const ByteVector payload_ = Payload();
  uint32_t seq_ = 1;
};

TEST_F(DrawTest, EveryShareIsInsideItsIntervalOverAMillionRequests) {
  for (const uint32_t share : kShares) {
    const Interval interval = BinomialInterval(kRequests, share / 1e6);
    uint64_t sampled = Sample(share);
    if (sampled < interval.low || sampled > interval.high) {
      // One in a thousand right programs comes here; one in a million does so twice.
      sampled = Sample(share);
    }
    EXPECT_GE(sampled, interval.low) << share << " millionths";
    EXPECT_LE(sampled, interval.high) << share << " millionths";
    for (const uint32_t draw : draws_) {
      ASSERT_LT(draw, route::Share{share}.Threshold());
    }
  }
}

TEST_F(DrawTest, OneDrawServesEveryRuleAndSmallerSharesAreSubsets) {
  ASSERT_EQ(Sample(1'000'000), kRequests);
  uint64_t taken_by_smaller = 0;
  for (const uint32_t share : kShares) {
    const uint64_t threshold = route::Share{share}.Threshold();
    uint64_t taken = 0;
    for (const uint32_t draw : draws_) {
      taken += draw < threshold ? 1 : 0;
    }
    EXPECT_GE(taken, taken_by_smaller) << "a request of a smaller share is missing";
    EXPECT_NEAR(static_cast<double>(taken), share, 6 * std::sqrt(share) + 6) << share << " millionths";
    taken_by_smaller = taken;
  }
  EXPECT_EQ(taken_by_smaller, kRequests);
}

TEST(BinomialInterval, KnowsItsBorders) {
  EXPECT_EQ(BinomialInterval(100, 0).high, 0U);
  EXPECT_EQ(BinomialInterval(100, 1).low, 100U);
  // 1,000,000 draws at one half: 500,000 and 3.29 standard deviations of 500.
  const Interval half = BinomialInterval(1'000'000, 0.5);
  EXPECT_NEAR(static_cast<double>(half.low), 500'000 - 3.29 * 500, 5);
  EXPECT_NEAR(static_cast<double>(half.high), 500'000 + 3.29 * 500, 5);
}

}  // namespace
}  // namespace rpctee::test
