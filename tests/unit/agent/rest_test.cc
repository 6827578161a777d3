#include "agent/rest.h"

#include <gtest/gtest.h>

namespace rpctee::agent {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr double kFewRecords = 0.001;

// A worker's pauses on a clock of its own. Records come at given times; the first one after the worker fell asleep
// wakes it.
class Worker {
 public:
  // Rests until `end`, while a record comes every `interval`.
  void Run(Duration end, Duration interval, double filled = kFewRecords) {
    while (now_ < TimePoint{} + end) {
      const Pause pause = rest_.Next(now_);
      TimePoint until = now_ + std::max<Duration>(pause.length, microseconds(1));
      (pause.asleep ? sleeps_ : naps_) += 1;
      if (pause.asleep && next_record_ < until) {
        until = std::max(next_record_, now_);
        ++wakeups_;
      }
      longest_delay_ = std::max(longest_delay_, next_record_ <= until ? until - next_record_ : Duration::zero());
      now_ = until;
      const bool found = next_record_ <= now_;
      while (next_record_ <= now_) {
        next_record_ += interval;
      }
      rest_.Looked(now_, found ? filled : 0);
    }
  }
  // Nothing comes until then.
  void Silence(Duration until) {
    next_record_ = TimePoint{} + until;
    Run(until - milliseconds(1), milliseconds(1));
  }
  Pause Next() { return rest_.Next(now_); }
  void ForgetCounts() { sleeps_ = naps_ = wakeups_ = 0; }

  int sleeps_ = 0;
  int naps_ = 0;
  int wakeups_ = 0;
  Duration longest_delay_{};

 private:
  Rest rest_;
  TimePoint now_{};
  TimePoint next_record_ = TimePoint{} + milliseconds(5);
};

TEST(Rest, AWorkerThatHasSeenNothingSleepsUntilItIsWoken) {
  Rest rest;
  const TimePoint now = TimePoint{} + std::chrono::hours(5);
  EXPECT_TRUE(rest.Next(now).asleep);
  EXPECT_EQ(rest.Next(now).length, Rest::kSleep);
}

TEST(Rest, RecordsThatComeSeldomWakeItEachAndItDoesNothingBetween) {
  Worker worker;
  worker.Run(std::chrono::seconds(10), milliseconds(50));
  EXPECT_EQ(worker.naps_, 0);
  EXPECT_NEAR(worker.wakeups_, 200, 1);
  EXPECT_EQ(worker.longest_delay_, Duration::zero());
}

TEST(Rest, RecordsThatComeOftenWakeItAFewTimesAndThenNeverAgain) {
  Worker worker;
  worker.Run(std::chrono::seconds(10), microseconds(100));
  EXPECT_LE(worker.wakeups_, static_cast<int>(Rest::kBusyLooks));
  EXPECT_NEAR(worker.naps_, 5'000, 10);
  EXPECT_LE(worker.longest_delay_, Rest::kNap);
}

TEST(Rest, ABurstOfFewRecordsIsNotTakenForTraffic) {
  Worker worker;
  worker.Run(milliseconds(7), milliseconds(1));  // three looks with records
  worker.Silence(milliseconds(200));
  EXPECT_EQ(worker.naps_, 0);
}

TEST(Rest, ItIsAsleepAgainTwoWindowsAfterTheTrafficEnded) {
  Worker worker;
  worker.Run(milliseconds(500), microseconds(100));
  EXPECT_FALSE(worker.Next().asleep);
  worker.Silence(milliseconds(500) + 2 * Rest::kWindow + Rest::kNap + milliseconds(1));
  EXPECT_TRUE(worker.Next().asleep);
  worker.ForgetCounts();
  worker.Silence(milliseconds(2'000));
  EXPECT_EQ(worker.naps_, 0);
}

TEST(Rest, AWorkerThatHadNoRestForAWindowIsNotWokenForTheNextRecord) {
  Rest rest;
  const TimePoint now = TimePoint{} + std::chrono::hours(5);
  rest.Looked(now, kFewRecords);
  EXPECT_TRUE(rest.Next(now + Rest::kWindow - milliseconds(1)).asleep);
  rest.Looked(now + Rest::kWindow, kFewRecords);
  EXPECT_FALSE(rest.Next(now + 2 * Rest::kWindow).asleep);
}

TEST(Rest, LooksAreCountedInWindowsAndOneAtAnEndIsOfTheNext) {
  for (const Duration last : {Rest::kWindow - milliseconds(1), Duration(Rest::kWindow)}) {
    Rest rest;
    const TimePoint now = TimePoint{} + std::chrono::hours(5);
    for (uint32_t i = 1; i < Rest::kBusyLooks; ++i) {
      rest.Looked(now, kFewRecords);
    }
    rest.Looked(now + last, kFewRecords);
    EXPECT_EQ(rest.Next(now + last).asleep, last == Rest::kWindow);
  }
}

TEST(Rest, TheFullestLookOfThisWindowAndOfTheOneBeforeDecides) {
  Rest rest;
  const TimePoint now = TimePoint{} + std::chrono::hours(5);
  rest.Looked(now, 0.5);
  for (uint32_t i = 0; i < Rest::kBusyLooks; ++i) {
    rest.Looked(now + milliseconds(1), kFewRecords);
  }
  EXPECT_EQ(rest.Next(now + milliseconds(2)).length, Duration::zero());
  rest.Looked(now + Rest::kWindow, kFewRecords);
  EXPECT_EQ(rest.Next(now + Rest::kWindow + milliseconds(1)).length, Duration::zero());
  rest.Looked(now + 2 * Rest::kWindow, kFewRecords);
  EXPECT_TRUE(rest.Next(now + 2 * Rest::kWindow + milliseconds(1)).asleep) << "one look in each of the last two";
}

TEST(Rest, NeverMoreWakeUpsASecondThanTheWindowsAllow) {
  for (const Duration interval : {microseconds(100), microseconds(1'000), microseconds(3'000), microseconds(6'000),
                                  microseconds(8'000), microseconds(10'000), microseconds(20'000)}) {
    Worker worker;
    worker.Run(std::chrono::seconds(10), interval);
    EXPECT_LE(worker.wakeups_, 10 * 126) << interval.count();
    EXPECT_LE(worker.naps_, 5'010) << interval.count();
    EXPECT_LE(worker.longest_delay_, Rest::kNap) << interval.count();
  }
}

TEST(Rest, AFullerRingMakesNapsShorterAndThenThereAreNone) {
  const auto nap = [](double filled) {
    Worker worker;
    worker.Run(milliseconds(100), microseconds(100), filled);
    const Pause pause = worker.Next();
    EXPECT_FALSE(pause.asleep);
    return pause.length;
  };
  EXPECT_EQ(nap(kFewRecords), Rest::kNap);
  EXPECT_EQ(nap(Rest::kFillForShortNaps), Rest::kShortNap);
  EXPECT_EQ(nap(Rest::kFillForNone), Duration::zero());
  EXPECT_EQ(nap(1), Duration::zero());
}

TEST(Rest, NapsAreLongAgainWhenTheRingIsNoLongerFilled) {
  Worker worker;
  worker.Run(milliseconds(100), microseconds(100), 0.5);
  EXPECT_EQ(worker.Next().length, Duration::zero());
  worker.Run(milliseconds(100) + 2 * Rest::kWindow + Rest::kNap, microseconds(100));
  EXPECT_EQ(worker.Next().length, Rest::kNap);
}

}  // namespace
}  // namespace rpctee::agent
