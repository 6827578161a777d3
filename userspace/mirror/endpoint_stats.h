// What is counted of each mirror endpoint beside the ends of its copies, in a table of bounded size, of which one row
// takes what has no row of its own.
//
// One thread, that of the Context's loop. A row is 2 KiB and stays for good, at the same place, also when its endpoint
// goes; there are at most kMaxRows.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/mirror_counts.h"

namespace rpctee::mirror {

class EndpointStats {
 public:
  void Count(MirrorCounter counter) { ++counts_.at(static_cast<size_t>(counter)); }
  // A Dubbo answer with a status other than OK.
  void CountDubboError(uint8_t status) { ++dubbo_errors_.at(status); }
  // A TApplicationException.
  void CountThriftError() { ++thrift_errors_; }

  // With names for the errors, and no endpoint.
  MirrorCounts ToCounts() const;

 private:
  std::array<uint64_t, kMirrorCounters> counts_{};
  std::array<uint64_t, 256> dubbo_errors_{};
  uint64_t thrift_errors_ = 0;
};

class EndpointStatsTable {
 public:
  static constexpr size_t kMaxRows = 512;

  EndpointStats& Of(const SocketAddress& endpoint);
  EndpointStats& other() { return other_; }

  // Those that have counted something.
  std::vector<MirrorCounts> Rows() const;

 private:
  std::unordered_map<SocketAddress, EndpointStats> rows_;
  EndpointStats other_;
};

}  // namespace rpctee::mirror
