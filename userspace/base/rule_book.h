// What became of copies, by rule and endpoint: a table of bounded size, of which one row takes what has no row of its
// own.
//
// One thread. A row is made when its first copy is told of; from then on nothing is allocated. At most kMaxRows rows of
// about 1 KiB.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/latency.h"
#include "base/outcomes.h"

namespace rpctee {

struct RuleName {
  std::string config;
  std::string route;
  std::string cluster;  // the mirrors'
  auto operator<=>(const RuleName&) const = default;
};

struct RuleCounts {
  RuleName rule;                          // all empty: copies of no named rule, or beyond the table's limits
  std::optional<SocketAddress> endpoint;  // none: copies that never had one
  uint64_t sent = 0;
  std::array<uint64_t, kCopyOutcomes> ends{};
  LatencyHistogram latency;  // of answered copies, from the last byte out to the answer's head

  RuleCounts& operator+=(const RuleCounts& other);
  bool IsSameRow(const RuleCounts& other) const { return rule == other.rule && endpoint == other.endpoint; }
};

// Row by row; rows that only one side has are taken over.
void AddRows(std::vector<RuleCounts>& sums, const std::vector<RuleCounts>& rows);

class RuleBook {
 public:
  static constexpr size_t kMaxRows = 512;
  static constexpr size_t kMaxRules = 4096;
  static constexpr uint32_t kOther = 0;

  RuleBook() : names_(1), rows_(1) {}

  // The rule's number, the same for the same name. kOther when there are too many.
  uint32_t NumberOf(const RuleName& name);

  void Sent(uint32_t rule, const SocketAddress* endpoint) { ++RowOf(rule, endpoint).sent; }
  void End(uint32_t rule, const SocketAddress* endpoint, CopyOutcome outcome, Duration latency);

  // Those that have counted something.
  std::vector<RuleCounts> Rows() const;

 private:
  struct Key {
    uint32_t rule;
    SocketAddress endpoint;  // port 0: none
    bool operator==(const Key&) const = default;
  };
  struct HashOfKey {
    size_t operator()(const Key& key) const { return std::hash<SocketAddress>()(key.endpoint) * 31 + key.rule; }
  };
  RuleCounts& RowOf(uint32_t rule, const SocketAddress* endpoint);

  std::vector<RuleName> names_;  // by number
  std::vector<RuleCounts> rows_;
  std::unordered_map<Key, size_t, HashOfKey> index_;
  // What was looked up last: copies of a rule leave and are answered in batches, of one connection each.
  Key last_key_{.rule = kOther, .endpoint = {}};
  size_t last_row_ = 0;
};

}  // namespace rpctee
