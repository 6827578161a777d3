#include "base/mirror_counts.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/ledger.h"
#include "support/source_dir.h"

namespace rpctee {
namespace {

const SocketAddress kOne = *SocketAddress::Parse("10.0.0.1:1");
const SocketAddress kTwo = *SocketAddress::Parse("[fd00::2]:2");

// Every counter another number, times `times`.
MirrorCounts Filled(std::optional<SocketAddress> endpoint, uint64_t times, std::map<std::string, uint64_t> errors) {
  MirrorCounts row{.endpoint = endpoint, .errors = std::move(errors)};
  for (size_t i = 0; i < kMirrorCounters; ++i) {
    row.counts[i] = times * (i + 1);
  }
  return row;
}

TEST(MirrorCounts, RowsOfTheSameEndpointAddUpNameByName) {
  std::vector<MirrorCounts> sums = {Filled(kOne, 1, {{"a", 1}, {"b", 2}})};
  AddRows(sums, {Filled(kTwo, 7, {}), Filled(kOne, 2, {{"b", 3}, {"c", 4}}), Filled(std::nullopt, 1, {})});
  ASSERT_EQ(sums.size(), 3U);
  EXPECT_EQ(sums[0].counts, Filled(kOne, 3, {}).counts);
  EXPECT_EQ(sums[0].errors, (std::map<std::string, uint64_t>{{"a", 1}, {"b", 5}, {"c", 4}}));
  EXPECT_EQ(sums[1].counts, Filled(kTwo, 7, {}).counts);
  EXPECT_FALSE(sums[2].endpoint.has_value());
  AddRows(sums, {Filled(std::nullopt, 4, {})});
  ASSERT_EQ(sums.size(), 3U) << "what has no endpoint is one row, too";
  EXPECT_EQ(sums[2].counts, Filled(std::nullopt, 5, {}).counts);
}

TEST(MirrorCounts, TheReportHasEveryCounterOfEveryMirrorInTheOrderOfAddresses) {
  LedgerCounts counts;
  counts.mirrors = {Filled(kTwo, 1, {}), Filled(kOne, 2, {{"SERVICE_ERROR", 5}, {"status 7", 1}})};
  LedgerCounts other;
  other.mirrors = {Filled(kTwo, 2, {}), Filled(std::nullopt, 1, {})};
  counts += other;
  const LedgerReport report = MakeReport(TapTotals(), counts, true);
  const auto mirrors = nlohmann::json::parse(report.ToJson()).at("mirrors");
  ASSERT_EQ(mirrors.size(), 3U);
  EXPECT_TRUE(mirrors[0].at("endpoint").is_null());
  EXPECT_EQ(mirrors[1].at("endpoint"), "10.0.0.1:1");
  EXPECT_EQ(mirrors[1].at("errors"), (nlohmann::json{{"SERVICE_ERROR", 5}, {"status 7", 1}}));
  EXPECT_EQ(mirrors[2].at("endpoint"), "[fd00::2]:2");
  EXPECT_EQ(mirrors[2].at("errors"), nlohmann::json::object());
  for (size_t i = 0; i < kMirrorCounters; ++i) {
    EXPECT_EQ(mirrors[2].at(std::string(Name(static_cast<MirrorCounter>(i)))), 3 * (i + 1));
  }
  EXPECT_EQ(mirrors[2].size(), kMirrorCounters + 2);
}

TEST(MirrorCounts, TheTextLeavesOutWhatIsZero) {
  LedgerCounts counts;
  counts.mirrors = {{.endpoint = kOne, .errors = {{"SERVICE_ERROR", 5}}}, {.endpoint = std::nullopt, .errors = {}}};
  counts.mirrors[0].counts[static_cast<size_t>(MirrorCounter::ejections)] = 2;
  counts.mirrors[1].counts[static_cast<size_t>(MirrorCounter::cx_total)] = 1;
  const std::string text = MakeReport(TapTotals(), counts, true).ToText();
  EXPECT_NE(text.find("  mirror (other): cx_total 1\n"
                      "  mirror 10.0.0.1:1: ejections 2, error SERVICE_ERROR 5\n"),
            std::string::npos)
      << text;
}

TEST(MirrorCounts, TheDocumentationNamesEveryCounter) {
  std::ifstream file(test::SourceDir() + "/docs/ledger.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  for (size_t i = 0; i < kMirrorCounters; ++i) {
    const std::string name(Name(static_cast<MirrorCounter>(i)));
    EXPECT_NE(text.find("`" + name + "`"), std::string::npos) << name;
  }
}

}  // namespace
}  // namespace rpctee
