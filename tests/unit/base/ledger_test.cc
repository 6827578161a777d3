#include "base/ledger.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/source_dir.h"

namespace rpctee {
namespace {

TapTotals TenSeen() {
  TapTotals tap;
  tap.seen = 10;
  tap.not_sampled = 3;
  tap.too_big = 1;
  tap.ring_full = 1;
  tap.sampled = 5;
  return tap;
}

uint64_t Count(const LedgerReport& report, RequestOutcome outcome) {
  return report.requests[static_cast<size_t>(outcome)];
}

TEST(Ledger, KernelAndAgentCountsOfOneOutcomeAddUp) {
  Ledger ledger;
  for (int i = 0; i < 5; ++i) {
    ledger.Received();
  }
  ledger.End(RequestOutcome::not_sampled);
  ledger.End(RequestOutcome::ring_full);
  ledger.End(RequestOutcome::gap);
  ledger.End(RequestOutcome::mirrored);
  ledger.End(RequestOutcome::mirrored);
  ledger.CopyMade();
  ledger.CopyMade();
  ledger.CopySent();
  ledger.EndCopy(CopyOutcome::answered_ok);
  ledger.EndCopy(CopyOutcome::queue_full);
  const LedgerReport report = MakeReport(TenSeen(), ledger.Counts(), true);
  EXPECT_EQ(Count(report, RequestOutcome::not_sampled), 4u);
  EXPECT_EQ(Count(report, RequestOutcome::ring_full), 2u);
  EXPECT_EQ(Count(report, RequestOutcome::too_big), 1u);
  EXPECT_EQ(Count(report, RequestOutcome::mirrored), 2u);
  EXPECT_TRUE(report.Balanced());
}

TEST(Ledger, WhatIsInTheRingOpenOrInFlightBalancesUntilTheAgentHasStopped) {
  Ledger ledger;
  for (int i = 0; i < 3; ++i) {
    ledger.Received();
  }
  ledger.End(RequestOutcome::mirrored);
  ledger.End(RequestOutcome::mirrored);
  ledger.SetOpen(1);
  ledger.CopyMade();
  ledger.CopyMade();
  ledger.EndCopy(CopyOutcome::timed_out);
  ledger.SetInFlight(1);
  const LedgerReport running = MakeReport(TenSeen(), ledger.Counts(), false);
  EXPECT_EQ(running.in_ring, 2u);
  EXPECT_TRUE(running.Balanced());
  EXPECT_FALSE(MakeReport(TenSeen(), ledger.Counts(), true).Balanced());
}

TEST(Ledger, OneRequestWithoutAnOutcomeIsNoticed) {
  Ledger ledger;
  for (int i = 0; i < 5; ++i) {
    ledger.Received();
  }
  for (int i = 0; i < 4; ++i) {
    ledger.End(RequestOutcome::no_route);
  }
  EXPECT_FALSE(MakeReport(TenSeen(), ledger.Counts(), true).Balanced());
  ledger.End(RequestOutcome::no_route);
  EXPECT_TRUE(MakeReport(TenSeen(), ledger.Counts(), true).Balanced());
  ledger.End(RequestOutcome::no_route);
  EXPECT_FALSE(MakeReport(TenSeen(), ledger.Counts(), true).Balanced());
}

TEST(Ledger, OneCopyWithoutAnOutcomeIsNoticed) {
  Ledger ledger;
  ledger.CopyMade();
  EXPECT_FALSE(MakeReport(TapTotals(), ledger.Counts(), true).Balanced());
  ledger.EndCopy(CopyOutcome::connection_lost);
  EXPECT_TRUE(MakeReport(TapTotals(), ledger.Counts(), true).Balanced());
}

TEST(Ledger, MoreReceivedThanSampledDoesNotBalance) {
  Ledger ledger;
  ledger.Received();
  EXPECT_FALSE(MakeReport(TapTotals(), ledger.Counts(), false).Balanced());
}

// Every name different, so that a sum that mixes two up is seen.
void Fill(Ledger& ledger, int times) {
  for (int i = 0; i < times; ++i) {
    ledger.SeenInStream();
    ledger.SeenInStream();
    ledger.SampledInStream();
    ledger.Received();
    ledger.CopySent();
    for (size_t outcome = 0; outcome < kRequestOutcomes; ++outcome) {
      for (size_t n = 0; n <= outcome; ++n) {
        ledger.End(static_cast<RequestOutcome>(outcome));
      }
    }
    for (size_t outcome = 0; outcome < kCopyOutcomes; ++outcome) {
      for (size_t n = 0; n <= outcome; ++n) {
        ledger.CopyMade();
        ledger.EndCopy(static_cast<CopyOutcome>(outcome));
      }
    }
  }
  ledger.SetOpen(static_cast<uint64_t>(times) * 7);
  ledger.SetInFlight(static_cast<uint64_t>(times) * 11);
}

TEST(Ledger, TheCountsOfSeveralWorkersAddUpNameByName) {
  Ledger one;
  Ledger two;
  Ledger three;
  Fill(one, 1);
  Fill(two, 2);
  Fill(three, 3);
  LedgerCounts sum = one.Counts();
  sum += two.Counts();
  const std::string of_three = MakeReport(TapTotals(), three.Counts(), false).ToJson();
  EXPECT_EQ(MakeReport(TapTotals(), sum, false).ToJson(), of_three);
  EXPECT_NE(MakeReport(TapTotals(), two.Counts(), false).ToJson(), of_three);
}

TEST(Ledger, WhatOneOfSeveralWorkersHasNotBookedIsNoticed) {
  Ledger one;
  Ledger two;
  for (int i = 0; i < 4; ++i) {
    one.Received();
    one.End(RequestOutcome::mirrored);
  }
  two.Received();
  LedgerCounts sum = one.Counts();
  sum += two.Counts();
  EXPECT_FALSE(MakeReport(TenSeen(), sum, false).Balanced());
  two.End(RequestOutcome::gap);
  sum = one.Counts();
  sum += two.Counts();
  EXPECT_TRUE(MakeReport(TenSeen(), sum, true).Balanced());
}

TEST(Ledger, JsonHasEveryNameOnceAndTheVerdict) {
  Ledger ledger;
  const auto json = nlohmann::json::parse(MakeReport(TenSeen(), ledger.Counts(), false).ToJson());
  for (size_t i = 0; i < kRequestOutcomes; ++i) {
    EXPECT_TRUE(json.at(std::string(Name(static_cast<RequestOutcome>(i)))).is_number());
  }
  for (size_t i = 0; i < kCopyOutcomes; ++i) {
    EXPECT_TRUE(json.at(std::string(Name(static_cast<CopyOutcome>(i)))).is_number());
  }
  EXPECT_EQ(json.at("seen"), 10);
  EXPECT_EQ(json.at("in_ring"), 5);
  EXPECT_EQ(json.at("balanced"), true);
  // seen, sampled, received, in_ring, open, copies, sent, unmarked, in_flight, rules, mirrors, balanced
  EXPECT_EQ(json.size(), kRequestOutcomes + kCopyOutcomes + 12);
}

TEST(Ledger, TextLeavesOutZeroesButAlwaysHasTheVerdict) {
  Ledger ledger;
  const std::string text = MakeReport(TenSeen(), ledger.Counts(), false).ToText();
  EXPECT_NE(text.find("  seen                10\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  sent                0\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("expired"), std::string::npos) << text;
  EXPECT_NE(text.find("  balanced            yes\n"), std::string::npos) << text;
  EXPECT_NE(MakeReport(TenSeen(), ledger.Counts(), true).ToText().find("balanced            NO"), std::string::npos);
}

// The names in the sums of docs/ledger.md, which stand in the first block there.
std::vector<std::string> NamesInDocumentedSums() {
  std::ifstream file(test::SourceDir() + "/docs/ledger.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const size_t begin = text.find("```") + 3;
  std::istringstream words(text.substr(begin, text.find("```", begin) - begin));
  std::vector<std::string> names;
  for (std::string word; words >> word;) {
    const bool is_held = word == "(+";  // what is not ended yet, in parentheses up to the end of the line
    if (is_held) {
      std::getline(words, word);
    } else if (word != "=" && word != "+") {
      names.push_back(word);
    }
  }
  return names;
}

TEST(Ledger, TheSumsInTheDocumentsHaveEveryWayToEnd) {
  std::vector<std::string> expected = {"seen"};
  for (size_t i = 0; i < kRequestOutcomes; ++i) {
    expected.emplace_back(Name(static_cast<RequestOutcome>(i)));
  }
  expected.emplace_back("copies");
  for (size_t i = 0; i < kCopyOutcomes; ++i) {
    expected.emplace_back(Name(static_cast<CopyOutcome>(i)));
  }
  EXPECT_EQ(NamesInDocumentedSums(), expected);
}

}  // namespace
}  // namespace rpctee
