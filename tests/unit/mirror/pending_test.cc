#include "mirror/pending.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <unordered_set>

namespace rpctee::mirror {
namespace {

// Adds a copy of this rule.
uint64_t Add(Pending& pending, uint32_t rule) {
  PendingCopy& copy = pending.Add();
  copy.rule = rule;
  return copy.id;
}

TEST(Pending, IdsAscendAndAreNeverReused) {
  Pending pending(10);
  uint64_t last = 0;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t id = Add(pending, 0);
    EXPECT_GT(id, last);
    EXPECT_LT(id, uint64_t{1} << 53);
    last = id;
    pending.MarkOldestUnsentSent({});
    if (pending.full()) {
      pending.Remove(*pending.Oldest());
    }
  }
}

TEST(Pending, OnlyASentCopyIsFoundAndOnlyByItsOwnId) {
  Pending pending(4);
  const uint64_t id = Add(pending, 7);
  EXPECT_EQ(pending.FindSent(id), nullptr);
  pending.MarkOldestUnsentSent({});
  ASSERT_NE(pending.FindSent(id), nullptr);
  EXPECT_EQ(pending.FindSent(id)->rule, 7U);
  for (const uint64_t other : {uint64_t{0}, id + 1, id ^ (uint64_t{1} << 40), id + (uint64_t{1} << 20), ~uint64_t{0}}) {
    EXPECT_EQ(pending.FindSent(other), nullptr);
  }
  pending.Remove(*pending.FindSent(id));
  EXPECT_EQ(pending.FindSent(id), nullptr);
  EXPECT_EQ(pending.size(), 0U);
}

TEST(Pending, AFreedSlotDoesNotAnswerToItsOldId) {
  Pending pending(1);
  const uint64_t first = Add(pending, 1);
  EXPECT_TRUE(pending.full());
  pending.Remove(*pending.Oldest());
  const uint64_t second = Add(pending, 2);
  pending.MarkOldestUnsentSent({});
  EXPECT_EQ(pending.FindSent(first), nullptr);
  EXPECT_EQ(pending.FindSent(second)->rule, 2U);
}

// The table against the plainest possible model.
TEST(Pending, BehavesLikeAListUnderRandomUse) {
  struct Entry {
    uint64_t id;
    uint32_t rule;
    bool sent;
  };
  std::mt19937 random(1);
  Pending pending(50);
  std::deque<Entry> model;
  for (uint32_t step = 0; step < 200'000; ++step) {
    const auto unsent = std::find_if(model.begin(), model.end(), [](const Entry& entry) { return !entry.sent; });
    switch (random() % 4) {
      case 0:
      case 1:
        if (!pending.full()) {
          const uint64_t id = Add(pending, step);
          model.push_back({id, step, false});
        }
        break;
      case 2:
        if (unsent != model.end()) {
          pending.MarkOldestUnsentSent({});
          unsent->sent = true;
        }
        break;
      default:
        if (!model.empty()) {
          const auto victim = model.begin() + static_cast<std::ptrdiff_t>(random() % model.size());
          const PendingCopy* found = pending.FindSent(victim->id);
          ASSERT_EQ(found != nullptr, victim->sent);
          if (found == nullptr && victim == model.begin()) {
            found = pending.Oldest();
          }
          if (found != nullptr) {
            ASSERT_EQ(found->rule, victim->rule);
            pending.Remove(*found);
            model.erase(victim);
          }
        }
    }
    ASSERT_EQ(pending.size(), model.size());
    ASSERT_EQ(pending.full(), model.size() == 50);
    ASSERT_EQ(pending.Oldest() != nullptr, !model.empty());
    if (!model.empty()) {
      ASSERT_EQ(pending.Oldest()->id, model.front().id);
    }
    const auto first = std::find_if(model.begin(), model.end(), [](const Entry& entry) { return !entry.sent; });
    ASSERT_EQ(pending.OldestUnsent() != nullptr, first != model.end());
    if (first != model.end()) {
      ASSERT_EQ(pending.OldestUnsent()->id, first->id);
    }
  }
}

}  // namespace
}  // namespace rpctee::mirror
