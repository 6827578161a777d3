#include "base/rule_book.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/ledger.h"

namespace rpctee {
namespace {

using std::chrono::milliseconds;

const SocketAddress kOne = *SocketAddress::Parse("10.0.0.1:1");
const SocketAddress kTwo = *SocketAddress::Parse("10.0.0.2:2");

uint64_t Ends(const RuleCounts& row, CopyOutcome outcome) { return row.ends[static_cast<size_t>(outcome)]; }

TEST(RuleBook, CopiesAreCountedByRuleAndEndpoint) {
  RuleBook book;
  const uint32_t rule = book.NumberOf({"config", "route", "v2"});
  EXPECT_EQ(book.NumberOf({"config", "route", "v2"}), rule);
  const uint32_t other = book.NumberOf({"config", "route", "v3"});
  book.Sent(rule, &kOne);
  book.End(rule, &kOne, CopyOutcome::answered_ok, milliseconds(3));
  book.End(rule, &kTwo, CopyOutcome::timed_out, {});
  book.End(other, nullptr, CopyOutcome::no_endpoint, {});
  const std::vector<RuleCounts> rows = book.Rows();
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].rule, (RuleName{"config", "route", "v2"}));
  EXPECT_EQ(rows[0].endpoint, kOne);
  EXPECT_EQ(rows[0].sent, 1U);
  EXPECT_EQ(Ends(rows[0], CopyOutcome::answered_ok), 1U);
  EXPECT_EQ(rows[0].latency.buckets()[LatencyHistogram::BucketOf(milliseconds(3))], 1U);
  EXPECT_EQ(Ends(rows[1], CopyOutcome::timed_out), 1U);
  EXPECT_EQ(rows[1].latency.count(), 0U) << "what was not answered has no latency";
  EXPECT_FALSE(rows[2].endpoint.has_value());
}

TEST(RuleBook, WhatFindsNoRowCountsInOneForAllOthers) {
  RuleBook book;
  const uint32_t rule = book.NumberOf({"config", "route", "v2"});
  SocketAddress endpoint = kOne;
  for (uint32_t i = 0; i < 2 * RuleBook::kMaxRows; ++i) {
    endpoint.port = static_cast<uint16_t>(i + 1);
    book.End(rule, &endpoint, CopyOutcome::answered_ok, milliseconds(1));
  }
  const std::vector<RuleCounts> rows = book.Rows();
  EXPECT_EQ(rows.size(), RuleBook::kMaxRows);
  EXPECT_EQ(rows[0].rule, RuleName());
  EXPECT_EQ(Ends(rows[0], CopyOutcome::answered_ok), RuleBook::kMaxRows + 1);
  for (uint32_t i = 0; i < 2 * RuleBook::kMaxRules; ++i) {
    EXPECT_LE(book.NumberOf({"config", std::to_string(i), "v2"}), RuleBook::kMaxRules);
  }
}

TEST(RuleBook, TheRulesOfAllWorkersAddUpToTheLedgersCopies) {
  LedgerCounts sum;
  for (int worker = 0; worker < 3; ++worker) {
    Ledger ledger;
    // Not in the same order, so the numbers differ.
    const uint32_t spare = worker == 1 ? ledger.NumberOf({"config", "spare", "v2"}) : RuleBook::kOther;
    const uint32_t rule = ledger.NumberOf({"config", "route \"x\"", "v2"});
    for (size_t outcome = 0; outcome < kCopyOutcomes; ++outcome) {
      for (size_t i = 0; i <= outcome; ++i) {
        ledger.CopyMade();
        ledger.CopySent(rule, &kOne);
        ledger.EndCopy(static_cast<CopyOutcome>(outcome), i % 2 == 0 ? rule : spare, i % 3 == 0 ? nullptr : &kOne);
      }
    }
    sum += ledger.AllCounts();
  }
  const LedgerReport report = MakeReport(TapTotals(), sum, false);
  std::array<uint64_t, kCopyOutcomes> by_rule{};
  uint64_t sent = 0;
  const auto json = nlohmann::json::parse(report.ToJson());
  for (const auto& row : json.at("rules")) {
    sent += row.at("sent").get<uint64_t>();
    for (size_t i = 0; i < kCopyOutcomes; ++i) {
      by_rule[i] += row.at(std::string(Name(static_cast<CopyOutcome>(i)))).get<uint64_t>();
    }
  }
  EXPECT_EQ(by_rule, report.copy_outcomes);
  EXPECT_EQ(sent, report.sent);
  EXPECT_EQ(report.rules.size(), 5U) << "with and without endpoint, of two rules, and what has none";
  EXPECT_NE(report.ToText().find("rule config route \"x\" to v2 at 10.0.0.1:1: sent "), std::string::npos);
}

}  // namespace
}  // namespace rpctee
