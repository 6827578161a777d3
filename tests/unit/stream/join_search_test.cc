#include "stream/join_search.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "support/dubbo_frames.h"
#include "support/packet_builder.h"
#include "support/thrift_frames.h"

namespace rpctee::stream {
namespace {

using State = JoinSearch::State;
using test::ByteVector;
using test::Join;
using test::Slice;

constexpr size_t kMaxBytes = size_t{1} << 20;

class JoinSearchTest : public testing::Test {
 protected:
  JoinSearch& search() {
    if (!search_) {
      search_.emplace(memory_, kMaxBytes);
    }
    return *search_;
  }
  void Restart() { search_.reset(); }
  ByteVector Found() { return {search().found().begin(), search().found().end()}; }

  const ByteVector request_ = test::DubboRequest(1, 300);
  MemoryBudget memory_{size_t{16} << 20};
  std::optional<JoinSearch> search_;
};

TEST_F(JoinSearchTest, FourHeadsInARowAreBelievedThreeAreNot) {
  const ByteVector three = Join({request_, request_, request_});
  EXPECT_EQ(search().Take(three), State::kSearching);
  EXPECT_EQ(search().Take(Slice(request_, 0, 19)), State::kSearching);
  EXPECT_EQ(search().Take(Slice(request_, 19, 20)), State::kFound);
  EXPECT_EQ(search().protocol(), Content::kDubbo);
  EXPECT_EQ(Found(), Join({three, Slice(request_, 0, 20)}));
}

TEST_F(JoinSearchTest, EachThriftTransportIsFound) {
  const ByteVector text = {'h', 'e', 'l', 'l', 'o'};
  const ByteVector messages[] = {test::ThriftBinary(1, "sayHello", text), test::ThriftOldBinary(1, "sayHello", text),
                                 test::ThriftCompact(1, "sayHello", text),
                                 test::ThriftHeader(1, test::ThriftBinary(1, "sayHello", text))};
  for (const ByteVector& message : messages) {
    Restart();
    const ByteVector frame = test::ThriftFrame(message);
    EXPECT_EQ(search().Take(Join({Slice(frame, 7), frame, frame, frame, frame})), State::kFound);
    EXPECT_EQ(search().protocol(), Content::kThriftFramed);
    EXPECT_EQ(Found(), Join({frame, frame, frame, frame}));
  }
}

TEST_F(JoinSearchTest, MessagesWithoutFramesAreReadToTheirEnds) {
  const ByteVector text = {'h', 'e', 'l', 'l', 'o'};
  for (const ByteVector& message :
       {test::ThriftBinary(1, "sayHello", text), test::ThriftCompact(1, "sayHello", text)}) {
    Restart();
    const ByteVector two = Join({Slice(message, 3), message, message});
    EXPECT_EQ(search().Take(two), State::kSearching);
    EXPECT_EQ(search().Take(Join({message, message})), State::kFound);
    EXPECT_EQ(search().protocol(), Content::kThriftUnframed);
    EXPECT_EQ(Found(), Join({message, message, message, message}));
    Restart();
    EXPECT_EQ(search().Take(two), State::kSearching);
    EXPECT_EQ(search().Settle(), State::kFound);
    EXPECT_EQ(Found(), Join({message, message}));
  }
}

// The length of a frame may stand in the segment before, which was not seen.
TEST_F(JoinSearchTest, TheMessageOfAFramedRequestIsNotTakenForOneWithoutFrames) {
  const ByteVector message = test::ThriftBinary(1, "sayHello", {});
  const ByteVector frame = test::ThriftFrame(message);
  EXPECT_EQ(search().Take(message), State::kSearching);
  EXPECT_EQ(search().Settle(), State::kSearching);
  EXPECT_EQ(search().Take(Join({frame, frame, frame, frame})), State::kFound);
  EXPECT_EQ(search().protocol(), Content::kThriftFramed);
  EXPECT_EQ(Found(), Join({frame, frame, frame, frame}));
}

TEST_F(JoinSearchTest, SilenceIsEnoughOnlyAtTheEndOfAFrame) {
  EXPECT_EQ(search().Take(Slice(request_, 0, 299)), State::kSearching);
  EXPECT_EQ(search().Settle(), State::kSearching);
  EXPECT_EQ(search().Take(Slice(request_, 299)), State::kSearching);
  EXPECT_EQ(search().Settle(), State::kFound);
  EXPECT_EQ(Found(), request_);
  Restart();
  EXPECT_EQ(search().Take(Join({request_, ByteVector{0}})), State::kSearching);
  EXPECT_EQ(search().Settle(), State::kSearching);
}

TEST_F(JoinSearchTest, AnAnswerAloneIsNoPlaceToBegin) {
  EXPECT_EQ(search().Take(Join({test::DubboResponse(1), test::DubboResponse(2), test::DubboResponse(3),
                                test::DubboResponse(4), test::DubboResponse(5)})),
            State::kSearching);
  EXPECT_EQ(search().Settle(), State::kSearching);
}

TEST_F(JoinSearchTest, AHeadWhoseFrameHasNotEndedKeepsLaterOnesWaiting) {
  // Announces 1,000 bytes; what follows are whole requests.
  const ByteVector open = Slice(test::DubboRequest(1, 1'000), 0, 30);
  EXPECT_EQ(search().Take(Join({open, request_, request_, request_})), State::kSearching);
  EXPECT_EQ(search().Take(Join({request_, request_})), State::kFound);
  EXPECT_EQ(Found().size(), 5 * request_.size());
}

TEST_F(JoinSearchTest, InSilenceAHeadWhoseFrameHasNotEndedKeepsNobodyWaiting) {
  const ByteVector open = Slice(test::DubboRequest(1, 100'000), 0, 30);
  EXPECT_EQ(search().Take(Join({open, request_})), State::kSearching);
  EXPECT_EQ(search().Settle(), State::kFound);
  EXPECT_EQ(Found(), request_);
}

TEST_F(JoinSearchTest, AHeadWhoseFrameCouldNotBeHeldKeepsNobodyWaiting) {
  const ByteVector open = Slice(test::DubboRequest(1, kMaxBytes), 0, 30);
  EXPECT_EQ(search().Take(Join({open, request_, request_, request_, request_})), State::kFound);
  EXPECT_EQ(Found().size(), 4 * request_.size());
}

TEST_F(JoinSearchTest, OneHeaderTellsNothing) {
  const ByteVector header = Slice(request_, 0, 19);
  EXPECT_EQ(search().Take(Join({header, ByteVector(1'000, 'x'), request_, request_, request_, request_})),
            State::kFound);
  EXPECT_EQ(Found().size(), 4 * request_.size());
}

TEST_F(JoinSearchTest, TheBoundIsABoundOnWhatIsSearchedNotOnWhatIsHeld) {
  const ByteVector noise(100'000, 'x');
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(search().Take(noise), State::kSearching);
    ASSERT_LE(memory_.used_bytes(), 2 * noise.size() + HeapBytes(sizeof(JoinSearch)));
  }
  // Begins before the bound, ends behind it.
  EXPECT_EQ(search().Take(Join({request_, ByteVector(50'000, 'x')})), State::kFailed);
  Restart();
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(search().Take(noise), State::kSearching);
  }
  const ByteVector big = test::DubboRequest(1, 100'000);
  EXPECT_EQ(search().Take(Join({big, big, big})), State::kSearching);
  EXPECT_EQ(search().Take(big), State::kFound);
}

TEST_F(JoinSearchTest, MemoryIsGivenBack) {
  EXPECT_EQ(search().Take(test::DubboRequest(1, 100'000)), State::kSearching);
  EXPECT_GE(memory_.used_bytes(), 100'000U);
  Restart();
  EXPECT_EQ(memory_.used_bytes(), 0U);
}

// What a sender can do to make the search dear. The cost is counted, in heads tested.
struct Hostile {
  const char* name;
  ByteVector unit;
};

std::vector<Hostile> HostileUnits() {
  const ByteVector head = Slice(test::DubboRequest(1, 300), 0, 19);
  const auto announcing = [&head](uint32_t body_bytes) {
    ByteVector changed = head;
    for (size_t i = 0; i < 4; ++i) {
      changed[12 + i] = static_cast<uint8_t>(body_bytes >> (24 - 8 * i));
    }
    return changed;
  };
  return {
      {"magics", {0xda, 0xbb}},
      {"starts of heads", {0xda, 0xbb, 0xc2, 0x00}},
      {"heads whose chains have three heads", Join({announcing(3), announcing(3), announcing(3), ByteVector{0}})},
      {"heads whose frame ends in another's body", announcing(30)},
      {"heads whose frame ends late", announcing(500'000)},
      {"heads whose frame ends too late", announcing(5'000'000)},
      {"Thrift lengths", {0x00, 0x00, 0x40, 0x00, 0x80, 0x01, 0x00, 0x01}},
      {"Thrift heads", Slice(test::ThriftFrame(test::ThriftBinary(1, "a", {})), 0, 20)},
      {"old Thrift heads", {0x00, 0x00, 0x40, 0x00, 0x00, 0x00, 0x00, 0x04, 'n', 'a', 'm', 'e'}},
      {"zeros", {0x00}},
      // Each is a message with a long string in it, which holds the next.
      {"messages inside messages", {0x82, 0x21, 0x00, 0x01, 'a', 0x18, 0xf0, 0xd0, 0x30}},
      {"messages that are never whole", Slice(test::ThriftBinary(1, "a", ByteVector(3)), 0, 20)},
  };
}

ByteVector Repeated(const ByteVector& unit, size_t bytes) {
  ByteVector all;
  while (all.size() < bytes) {
    all.insert(all.end(), unit.begin(), unit.end());
  }
  return all;
}

TEST_F(JoinSearchTest, HostileBytesCostNoMoreThanAFewTestsEach) {
  for (const Hostile& hostile : HostileUnits()) {
    for (const size_t step : {size_t{16'384}, size_t{1}}) {
      Restart();
      const ByteVector all = Repeated(hostile.unit, 2 * kMaxBytes + 100'000);
      State state = State::kSearching;
      size_t taken = 0;
      while (state == State::kSearching && taken < all.size()) {
        state = search().Take(Slice(all, taken, taken + step));
        taken += step;
      }
      EXPECT_NE(state, State::kSearching) << hostile.name;
      EXPECT_LE(search().tests(), taken) << hostile.name << ", steps of " << step;
      EXPECT_LE(search().read_bytes(), 10 * kMaxBytes) << hostile.name << ", steps of " << step;
      EXPECT_LE(memory_.used_bytes(), 2 * kMaxBytes) << hostile.name;
    }
  }
}

TEST_F(JoinSearchTest, HostileBytesWithManySilencesCostNoMoreEither) {
  for (const Hostile& hostile : HostileUnits()) {
    Restart();
    const ByteVector all = Repeated(hostile.unit, 200'000);
    State state = State::kSearching;
    for (size_t taken = 0; state == State::kSearching && taken < all.size(); taken += 50) {
      state = search().Take(Slice(all, taken, taken + 50));
      state = state == State::kSearching ? search().Settle() : state;
    }
    EXPECT_LE(search().tests(), 10 * all.size()) << hostile.name;
  }
}

}  // namespace
}  // namespace rpctee::stream
