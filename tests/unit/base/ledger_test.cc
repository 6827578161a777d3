#include "base/ledger.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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
  const LedgerReport report = ledger.Report(TenSeen(), true);
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
  const LedgerReport running = ledger.Report(TenSeen(), false);
  EXPECT_EQ(running.in_ring, 2u);
  EXPECT_TRUE(running.Balanced());
  EXPECT_FALSE(ledger.Report(TenSeen(), true).Balanced());
}

TEST(Ledger, OneRequestWithoutAnOutcomeIsNoticed) {
  Ledger ledger;
  for (int i = 0; i < 5; ++i) {
    ledger.Received();
  }
  for (int i = 0; i < 4; ++i) {
    ledger.End(RequestOutcome::no_route);
  }
  EXPECT_FALSE(ledger.Report(TenSeen(), true).Balanced());
  ledger.End(RequestOutcome::no_route);
  EXPECT_TRUE(ledger.Report(TenSeen(), true).Balanced());
  ledger.End(RequestOutcome::no_route);
  EXPECT_FALSE(ledger.Report(TenSeen(), true).Balanced());
}

TEST(Ledger, OneCopyWithoutAnOutcomeIsNoticed) {
  Ledger ledger;
  ledger.CopyMade();
  EXPECT_FALSE(ledger.Report(TapTotals(), true).Balanced());
  ledger.EndCopy(CopyOutcome::connection_lost);
  EXPECT_TRUE(ledger.Report(TapTotals(), true).Balanced());
}

TEST(Ledger, MoreReceivedThanSampledDoesNotBalance) {
  Ledger ledger;
  ledger.Received();
  EXPECT_FALSE(ledger.Report(TapTotals(), false).Balanced());
}

TEST(Ledger, JsonHasEveryNameOnceAndTheVerdict) {
  Ledger ledger;
  const auto json = nlohmann::json::parse(ledger.Report(TenSeen(), false).ToJson());
  for (size_t i = 0; i < kRequestOutcomes; ++i) {
    EXPECT_TRUE(json.at(std::string(Name(static_cast<RequestOutcome>(i)))).is_number());
  }
  for (size_t i = 0; i < kCopyOutcomes; ++i) {
    EXPECT_TRUE(json.at(std::string(Name(static_cast<CopyOutcome>(i)))).is_number());
  }
  EXPECT_EQ(json.at("seen"), 10);
  EXPECT_EQ(json.at("in_ring"), 5);
  EXPECT_EQ(json.at("balanced"), true);
  // seen, sampled, received, in_ring, open, copies, sent, in_flight, balanced
  EXPECT_EQ(json.size(), kRequestOutcomes + kCopyOutcomes + 9);
}

TEST(Ledger, TextLeavesOutZeroesButAlwaysHasTheVerdict) {
  Ledger ledger;
  const std::string text = ledger.Report(TenSeen(), false).ToText();
  EXPECT_NE(text.find("  seen              10\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  sent              0\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("expired"), std::string::npos) << text;
  EXPECT_NE(text.find("  balanced          yes\n"), std::string::npos) << text;
  EXPECT_NE(ledger.Report(TenSeen(), true).ToText().find("balanced          NO"), std::string::npos);
}

}  // namespace
}  // namespace rpctee
