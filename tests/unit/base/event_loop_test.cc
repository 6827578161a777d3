#include "base/event_loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <thread>
#include <vector>

namespace rpctee {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class EventLoopTest : public testing::Test {
 protected:
  EventLoopTest() : loop_(std::move(*EventLoop::Create())) {}

  static Fd Readable() { return Fd(eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK)); }
  void Run() { ASSERT_TRUE(loop_.RunOnce(Duration::zero())); }

  EventLoop loop_;
};

TEST_F(EventLoopTest, ReportsADescriptorUntilItIsRemoved) {
  const Fd fd = Readable();
  int calls = 0;
  ASSERT_TRUE(loop_.Add(fd.get(), EPOLLIN, [&](uint32_t events) { calls += events == EPOLLIN ? 1 : 100; }));
  Run();
  Run();
  EXPECT_EQ(calls, 2);
  loop_.Remove(fd.get());
  Run();
  EXPECT_EQ(calls, 2);
}

TEST_F(EventLoopTest, ModifyChangesWhatIsReported) {
  const Fd fd = Readable();
  uint32_t seen = 0;
  ASSERT_TRUE(loop_.Add(fd.get(), EPOLLIN, [&](uint32_t events) { seen = events; }));
  ASSERT_TRUE(loop_.Modify(fd.get(), EPOLLOUT));
  Run();
  EXPECT_EQ(seen, static_cast<uint32_t>(EPOLLOUT));
  EXPECT_FALSE(loop_.Modify(fd.get() + 1, EPOLLIN));
}

TEST_F(EventLoopTest, AddingTwiceOrAddingNothingFails) {
  const Fd fd = Readable();
  ASSERT_TRUE(loop_.Add(fd.get(), EPOLLIN, [](uint32_t) {}));
  EXPECT_FALSE(loop_.Add(fd.get(), EPOLLIN, [](uint32_t) {}));
  EXPECT_FALSE(loop_.Add(-1, EPOLLIN, [](uint32_t) {}));
}

TEST_F(EventLoopTest, ACallbackMayRemoveItself) {
  const Fd fd = Readable();
  const auto marker = std::make_shared<int>(0);
  ASSERT_TRUE(loop_.Add(fd.get(), EPOLLIN, [this, &fd, marker](uint32_t) {
    loop_.Remove(fd.get());
    ++*marker;  // what the callback holds is still alive
  }));
  Run();
  Run();
  EXPECT_EQ(*marker, 1);
  EXPECT_EQ(marker.use_count(), 1);
}

TEST_F(EventLoopTest, AnEventOfARemovedDescriptorIsNotDeliveredToItsSuccessor) {
  std::vector<Fd> fds;
  int first_round = 0;
  int successors = 0;
  for (int i = 0; i < 2; ++i) {
    fds.push_back(Readable());
    ASSERT_TRUE(loop_.Add(fds.back().get(), EPOLLIN, [&, i](uint32_t) {
      ++first_round;
      // Closes the other one, whose event is in the same batch, and reuses its number.
      Fd& other = fds[static_cast<size_t>(1 - i)];
      const int number = other.get();
      loop_.Remove(number);
      other.Reset();
      other.Reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
      ASSERT_EQ(other.get(), number);
      ASSERT_TRUE(loop_.Add(number, EPOLLIN, [&](uint32_t) { ++successors; }));
    }));
  }
  Run();
  EXPECT_EQ(first_round, 1);
  EXPECT_EQ(successors, 0);
}

TEST_F(EventLoopTest, TimersRunInOrderOfTheirTimeAndNotBefore) {
  std::string order;
  const TimePoint now = Clock::now();
  loop_.AddTimer(now - milliseconds(1), [&] { order += 'b'; });
  loop_.AddTimer(now - milliseconds(2), [&] { order += 'a'; });
  loop_.AddTimer(now - milliseconds(1), [&] { order += 'c'; });
  loop_.AddTimer(now + seconds(60), [&] { order += 'z'; });
  Run();
  EXPECT_EQ(order, "abc");
}

TEST_F(EventLoopTest, WaitingEndsWhenATimerIsDue) {
  bool ran = false;
  const TimePoint start = Clock::now();
  loop_.AddTimer(start + milliseconds(20), [&] { ran = true; });
  ASSERT_TRUE(loop_.RunOnce(seconds(10)));
  EXPECT_TRUE(ran);
  EXPECT_GE(Clock::now() - start, milliseconds(20));
  EXPECT_LT(Clock::now() - start, seconds(5));
}

TEST_F(EventLoopTest, ACancelledTimerDoesNotRun) {
  std::string order;
  const TimePoint past = Clock::now() - seconds(1);
  EventLoop::TimerId second = 0;
  const EventLoop::TimerId first = loop_.AddTimer(past, [&] {
    order += '1';
    loop_.CancelTimer(second);
  });
  second = loop_.AddTimer(past, [&] { order += '2'; });
  loop_.CancelTimer(loop_.AddTimer(past, [&] { order += '3'; }));
  EXPECT_NE(first, 0u);
  Run();
  loop_.CancelTimer(first);  // has run already: nothing happens
  Run();
  EXPECT_EQ(order, "1");
}

TEST_F(EventLoopTest, ATimerThatStartsItselfAgainInThePastStarvesNobody) {
  int again = 0;
  int other = 0;
  const TimePoint past = Clock::now() - seconds(2);
  std::function<void()> restart = [&] {
    ++again;
    if (again < 1000) {
      loop_.AddTimer(past, restart);
    }
  };
  loop_.AddTimer(past, restart);
  loop_.AddTimer(past + seconds(1), [&] { ++other; });
  Run();
  EXPECT_EQ(again, 1);
  EXPECT_EQ(other, 1);
  Run();
  EXPECT_EQ(again, 2);
}

TEST_F(EventLoopTest, WakeFromAnotherThreadEndsTheWait) {
  const TimePoint start = Clock::now();
  std::thread other([this] {
    std::this_thread::sleep_for(milliseconds(20));
    loop_.Wake();
  });
  const Status ran = loop_.RunOnce(seconds(10));
  other.join();
  EXPECT_TRUE(ran);
  EXPECT_LT(Clock::now() - start, seconds(5));
  const TimePoint second = Clock::now();
  ASSERT_TRUE(loop_.RunOnce(milliseconds(20)));  // one wake-up ends one wait
  EXPECT_GE(Clock::now() - second, milliseconds(20));
}

}  // namespace
}  // namespace rpctee
