#include "agent/mirror_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace rpctee::agent {
namespace {

using testing::HasSubstr;
using testing::Optional;

TEST(MirrorLog, OneLineAnIntervalAndEndpointWithTheNumberOfFailures) {
  MirrorLog log;
  const SocketAddress first = SocketAddress::Parse("10.0.0.1:20880").value();
  const SocketAddress second = SocketAddress::Parse("10.0.0.2:20880").value();
  const TimePoint start = Clock::now();
  EXPECT_THAT(log.OnClosed(first, "refused", start), Optional(HasSubstr("10.0.0.1:20880")));
  EXPECT_EQ(log.OnClosed(first, "refused", start), std::nullopt);
  EXPECT_EQ(log.OnClosed(first, "refused", start), std::nullopt);
  EXPECT_THAT(log.OnClosed(second, "refused", start), Optional(HasSubstr("10.0.0.2:20880")));
  EXPECT_THAT(log.OnClosed(first, "reset", start + MirrorLog::kInterval),
              Optional(testing::AllOf(HasSubstr("reset"), HasSubstr("2 times"))));
}

TEST(MirrorLog, RemembersABoundedNumberOfEndpoints) {
  MirrorLog log;
  const TimePoint now = Clock::now();
  SocketAddress address = SocketAddress::Parse("10.0.0.1:1").value();
  for (size_t i = 0; i < MirrorLog::kMaxEndpoints; ++i) {
    address.port = static_cast<uint16_t>(i + 1);
    EXPECT_NE(log.OnClosed(address, "refused", now), std::nullopt);
  }
  EXPECT_EQ(log.OnClosed(address, "refused", now), std::nullopt);
  address.port = 60'000;
  EXPECT_NE(log.OnClosed(address, "refused", now), std::nullopt) << "the table was emptied, not grown";
  address.port = 1;
  EXPECT_NE(log.OnClosed(address, "refused", now), std::nullopt);
}

TEST(MirrorLog, AMirrorThatIsPutOutAgainAndAgainIsToldOnceAndItsReturnToo) {
  MirrorLog log;
  const SocketAddress mirror = *SocketAddress::Parse("10.0.0.1:20880");
  EXPECT_EQ(log.OnBack(mirror), std::nullopt);
  const std::optional<std::string> out = log.OnOut(mirror, std::chrono::milliseconds(5100));
  ASSERT_TRUE(out);
  EXPECT_NE(out->find("10.0.0.1:20880: gets no copies for 5100 ms"), std::string::npos) << *out;
  EXPECT_EQ(log.OnOut(mirror, std::chrono::seconds(10)), std::nullopt);
  EXPECT_TRUE(log.OnBack(mirror));
  EXPECT_EQ(log.OnBack(mirror), std::nullopt);
  EXPECT_TRUE(log.OnOut(mirror, std::chrono::seconds(5)));
}

}  // namespace
}  // namespace rpctee::agent
