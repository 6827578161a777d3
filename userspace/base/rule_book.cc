#include "base/rule_book.h"

#include <algorithm>
#include <functional>

namespace rpctee {

RuleCounts& RuleCounts::operator+=(const RuleCounts& other) {
  sent += other.sent;
  std::transform(ends.begin(), ends.end(), other.ends.begin(), ends.begin(), std::plus<>());
  latency += other.latency;
  return *this;
}

void AddRows(std::vector<RuleCounts>& sums, const std::vector<RuleCounts>& rows) {
  for (const RuleCounts& row : rows) {
    const auto known =
        std::find_if(sums.begin(), sums.end(), [&](const RuleCounts& sum) { return sum.IsSameRow(row); });
    if (known == sums.end()) {
      sums.push_back(row);
    } else {
      *known += row;
    }
  }
}

uint32_t RuleBook::NumberOf(const RuleName& name) {
  const auto known = std::find(names_.begin() + 1, names_.end(), name);
  if (known == names_.end() && names_.size() > kMaxRules) {
    return kOther;
  }
  const auto number = static_cast<uint32_t>(known - names_.begin());
  if (known == names_.end()) {
    names_.push_back(name);
  }
  return number;
}

RuleCounts& RuleBook::RowOf(uint32_t rule, const SocketAddress* endpoint) {
  if (rule == kOther || rule >= names_.size()) {
    return rows_.front();
  }
  const Key key{rule, endpoint == nullptr ? SocketAddress() : *endpoint};
  if (key == last_key_) {
    return rows_[last_row_];
  }
  auto known = index_.find(key);
  if (known == index_.end()) {
    if (rows_.size() >= kMaxRows) {
      return rows_.front();
    }
    RuleCounts& row = rows_.emplace_back();
    row.rule = names_[rule];
    row.endpoint = endpoint == nullptr ? std::nullopt : std::optional(*endpoint);
    known = index_.emplace(key, rows_.size() - 1).first;
  }
  last_key_ = key;
  last_row_ = known->second;
  return rows_[last_row_];
}

void RuleBook::End(uint32_t rule, const SocketAddress* endpoint, CopyOutcome outcome, Duration latency) {
  RuleCounts& row = RowOf(rule, endpoint);
  ++row.ends.at(static_cast<size_t>(outcome));
  if (outcome == CopyOutcome::answered_ok || outcome == CopyOutcome::answered_exception ||
      outcome == CopyOutcome::answered_error) {
    row.latency.Add(latency);
  }
}

std::vector<RuleCounts> RuleBook::Rows() const {
  std::vector<RuleCounts> used;
  std::copy_if(rows_.begin(), rows_.end(), std::back_inserter(used), [](const RuleCounts& row) {
    return row.sent != 0 || std::any_of(row.ends.begin(), row.ends.end(), [](uint64_t count) { return count != 0; });
  });
  return used;
}

}  // namespace rpctee
