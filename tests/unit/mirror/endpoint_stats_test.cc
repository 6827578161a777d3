#include "mirror/endpoint_stats.h"

#include <gtest/gtest.h>

namespace rpctee::mirror {
namespace {

SocketAddress Numbered(size_t number) {
  SocketAddress address = *SocketAddress::Parse("10.0.0.1:1");
  address.port = static_cast<uint16_t>(number + 1);
  return address;
}

uint64_t Begun(const MirrorCounts& row) { return row.counts[static_cast<size_t>(MirrorCounter::cx_total)]; }

TEST(EndpointStats, OnlyRowsThatHaveCountedAreShown) {
  EndpointStatsTable table;
  table.Of(Numbered(1));
  table.Of(Numbered(2)).Count(MirrorCounter::cx_total);
  table.Of(Numbered(2)).Count(MirrorCounter::cx_total);
  table.Of(Numbered(3)).CountThriftError();
  EXPECT_EQ(table.Rows().size(), 2U);
  for (const MirrorCounts& row : table.Rows()) {
    EXPECT_EQ(Begun(row), row.endpoint == Numbered(2) ? 2U : 0U);
    EXPECT_EQ(row.errors.size(), row.endpoint == Numbered(2) ? 0U : 1U);
  }
}

TEST(EndpointStats, WhatFindsNoRowCountsInOneForAllOthers) {
  EndpointStatsTable table;
  constexpr size_t kEndpoints = EndpointStatsTable::kMaxRows + 10;
  std::vector<EndpointStats*> kept;
  for (size_t round = 0; round < 2; ++round) {
    for (size_t i = 0; i < kEndpoints; ++i) {
      EndpointStats& stats = table.Of(Numbered(i));
      stats.Count(MirrorCounter::cx_total);
      kept.push_back(&stats);
      EXPECT_EQ(kept[i], &stats) << "rows stay where they are";
    }
  }
  const std::vector<MirrorCounts> rows = table.Rows();
  ASSERT_EQ(rows.size(), EndpointStatsTable::kMaxRows + 1);
  EXPECT_FALSE(rows[0].endpoint.has_value());
  for (const MirrorCounts& row : rows) {
    EXPECT_EQ(Begun(row), row.endpoint ? 2U : 20U);
  }
}

}  // namespace
}  // namespace rpctee::mirror
