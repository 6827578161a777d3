#include "agent/silence.h"

#include <gmock/gmock.h>

namespace rpctee::agent {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

using Change = SilenceJudge::Change;

const SocketAddress kOne = SocketAddress::Parse("10.44.0.11:20880").value();
const SocketAddress kTwo = SocketAddress::Parse("10.44.0.12:20880").value();

// A world with connections, of which the tap sees some. Look() takes a look at it, as the watch does.
class SilenceJudgeTest : public ::testing::Test {
 protected:
  enum class Tapped { kNo, kForgotten, kIgnored, kFramed };

  void Receive(uint64_t cookie, const SocketAddress& endpoint, uint64_t bytes, Tapped tapped, bool own = false) {
    SilenceLook::Connection& connection = connections_[cookie];
    connection.cookie = cookie;
    connection.endpoint = endpoint;
    connection.received += bytes;
    connection.own = own;
    if (tapped != Tapped::kNo) {
      counts_.endpoint_bytes += bytes;
    }
    connection.ignored = tapped == Tapped::kIgnored;
    if (tapped == Tapped::kIgnored) {
      connection.mark = 1;
    } else if (tapped == Tapped::kFramed) {
      connection.mark = connection.mark.value_or(0) + bytes;
    }
  }
  std::vector<Change> Look() {
    SilenceLook look;
    look.before = look.after = counts_;
    for (const auto& [cookie, connection] : connections_) {
      look.connections.push_back(connection);
    }
    return judge_.Judge(look, endpoints_);
  }

  std::map<uint64_t, SilenceLook::Connection> connections_;
  SilenceLook::Counts counts_;
  std::unordered_set<SocketAddress> endpoints_{kOne, kTwo};
  SilenceJudge judge_{1'000, 100};
};

TEST_F(SilenceJudgeTest, BytesThatTheTapDoesNotSeeRaiseTheAlarmOnce) {
  Receive(1, kOne, 500'000, Tapped::kNo);
  EXPECT_THAT(Look(), IsEmpty()) << "what was received before the first look is not judged";
  Receive(1, kOne, 1'000, Tapped::kNo);
  EXPECT_THAT(Look(), ElementsAre(AllOf(Field(&Change::endpoint, kOne), Field(&Change::silent, true),
                                        Field(&Change::received, 1'000U), Field(&Change::seen_at_most, 0U))));
  EXPECT_THAT(judge_.silent(), ElementsAre(kOne));
  Receive(1, kOne, 5'000, Tapped::kNo);
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_THAT(judge_.silent(), ElementsAre(kOne));
}

TEST_F(SilenceJudgeTest, AConnectionWhoseCursorMovesHasBeenSeen) {
  Receive(1, kOne, 1, Tapped::kFramed);
  Look();
  Receive(1, kOne, 100'000, Tapped::kFramed);
  EXPECT_THAT(Look(), IsEmpty());
}

TEST_F(SilenceJudgeTest, ACursorThatStandsStillHasSeenNothing) {
  Receive(1, kOne, 1, Tapped::kFramed);
  Look();
  Receive(1, kOne, 100'000, Tapped::kNo);
  EXPECT_THAT(Look(), ElementsAre(Field(&Change::endpoint, kOne)));
}

TEST_F(SilenceJudgeTest, AConnectionThatIsIgnoredHasBeenSeen) {
  Receive(1, kOne, 1, Tapped::kIgnored);
  Look();
  Receive(1, kOne, 100'000, Tapped::kIgnored);
  EXPECT_THAT(Look(), IsEmpty());
}

TEST_F(SilenceJudgeTest, WhatTheTapCountedOfOthersDoesNotSpeakForAnEndpoint) {
  Receive(1, kOne, 1, Tapped::kNo);
  Look();
  Receive(1, kOne, 100'000, Tapped::kNo);
  counts_.endpoint_bytes += 1'000'000'000;  // short connections, say
  EXPECT_THAT(Look(), ElementsAre(Field(&Change::endpoint, kOne)));
}

TEST_F(SilenceJudgeTest, WhereCursorsMayBeForgottenCountedBytesSpeakForEveryEndpoint) {
  for (uint64_t cookie = 100; cookie < 124; ++cookie) {
    Receive(cookie, kTwo, 1, Tapped::kFramed);
  }
  Receive(1, kOne, 1, Tapped::kForgotten);
  Receive(2, kTwo, 1, Tapped::kForgotten);
  Look();
  Receive(1, kOne, 100'000, Tapped::kForgotten);
  EXPECT_THAT(Look(), IsEmpty());
  Receive(1, kOne, 100'000, Tapped::kNo);
  Receive(2, kTwo, 100'000, Tapped::kForgotten);
  EXPECT_THAT(Look(), IsEmpty()) << "it may have been either";
  Receive(1, kOne, 100'000, Tapped::kNo);
  Receive(100, kTwo, 10'000'000, Tapped::kFramed);
  EXPECT_THAT(Look(), ElementsAre(Field(&Change::endpoint, kOne))) << "a cursor explains all that was counted";
}

TEST_F(SilenceJudgeTest, LittleIsNoReasonToSpeak) {
  Receive(1, kOne, 1, Tapped::kNo);
  Look();
  Receive(1, kOne, 999, Tapped::kNo);
  EXPECT_THAT(Look(), IsEmpty());
  EXPECT_THAT(Look(), IsEmpty()) << "nothing received";
}

TEST_F(SilenceJudgeTest, ATenthIsEnoughNotToBeSilent) {
  Receive(1, kOne, 1, Tapped::kFramed);
  Receive(2, kOne, 1, Tapped::kNo);
  Look();
  Receive(1, kOne, 1'000, Tapped::kFramed);
  Receive(2, kOne, 9'000, Tapped::kNo);
  EXPECT_THAT(Look(), IsEmpty());
  Receive(1, kOne, 1'000, Tapped::kFramed);
  Receive(2, kOne, 9'011, Tapped::kNo);
  EXPECT_THAT(Look(), ElementsAre(AllOf(Field(&Change::received, 10'011U), Field(&Change::seen_at_most, 1'000U))));
}

TEST_F(SilenceJudgeTest, TheAlarmIsOverWhenHalfIsSeenHoweverLittleItIs) {
  Receive(1, kOne, 1, Tapped::kNo);
  Receive(2, kOne, 1, Tapped::kFramed);
  Look();
  Receive(1, kOne, 5'000, Tapped::kNo);
  ASSERT_THAT(Look(), ElementsAre(Field(&Change::silent, true)));
  EXPECT_THAT(Look(), IsEmpty()) << "no traffic is no evidence";
  EXPECT_THAT(judge_.silent(), ElementsAre(kOne));
  Receive(1, kOne, 700, Tapped::kNo);
  Receive(2, kOne, 300, Tapped::kFramed);
  EXPECT_THAT(Look(), IsEmpty());
  Receive(1, kOne, 5, Tapped::kNo);
  Receive(2, kOne, 5, Tapped::kFramed);
  EXPECT_THAT(Look(), ElementsAre(AllOf(Field(&Change::endpoint, kOne), Field(&Change::silent, false))));
  EXPECT_THAT(judge_.silent(), IsEmpty());
}

TEST_F(SilenceJudgeTest, AnEndpointThatIsNoLongerMirroredIsNoLongerSilent) {
  Receive(1, kOne, 1, Tapped::kNo);
  Look();
  Receive(1, kOne, 5'000, Tapped::kNo);
  Look();
  endpoints_.erase(kOne);
  connections_.clear();
  EXPECT_THAT(Look(), ElementsAre(AllOf(Field(&Change::endpoint, kOne), Field(&Change::silent, false))));
}

TEST_F(SilenceJudgeTest, CopiesAreNotJudged) {
  Receive(1, kOne, 1, Tapped::kNo, true);
  Look();
  Receive(1, kOne, 100'000, Tapped::kNo, true);
  EXPECT_THAT(Look(), IsEmpty());
  Receive(1, kOne, 100'000, Tapped::kNo, false);
  EXPECT_THAT(Look(), IsEmpty()) << "the agent has just closed it";
}

TEST_F(SilenceJudgeTest, WhileTheProgramLetEveryPacketGoNothingIsJudged) {
  Receive(1, kOne, 1, Tapped::kNo);
  Look();
  Receive(1, kOne, 100'000, Tapped::kNo);
  ++counts_.heartbeat_stale;
  EXPECT_THAT(Look(), IsEmpty());
  Receive(1, kOne, 100'000, Tapped::kNo);
  EXPECT_THAT(Look(), ElementsAre(Field(&Change::silent, true)));
}

TEST_F(SilenceJudgeTest, WhatIsReceivedWhileLookingIsNotHeldAgainstTheTap) {
  SilenceJudge judge(1'000, 0);
  Receive(1, kOne, 1, Tapped::kForgotten);
  SilenceLook first{.before = counts_, .connections = {connections_[1]}, .after = {}};
  // Between the first reading of the sockets and the second of the counts.
  Receive(1, kOne, 10'000, Tapped::kForgotten);
  first.after = counts_;
  EXPECT_THAT(judge.Judge(first, endpoints_), IsEmpty());
  const SilenceLook second{.before = counts_, .connections = {connections_[1]}, .after = counts_};
  EXPECT_THAT(judge.Judge(second, endpoints_), IsEmpty());
}

}  // namespace
}  // namespace rpctee::agent
