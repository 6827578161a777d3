// The flows whose requests the tap frames at a place that is none, until it has heard of it: their requests are no
// requests.
//
// One worker thread. Owns at most max_flows numbers; the oldest makes room.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>

namespace rpctee::stream {

class RefusedFlows {
 public:
  explicit RefusedFlows(size_t max_flows) : max_flows_(max_flows) {}

  bool Contains(uint64_t flow_id) const { return !by_age_.empty() && position_.contains(flow_id); }
  void Add(uint64_t flow_id) {
    if (Contains(flow_id)) {
      return;
    }
    if (by_age_.size() >= max_flows_) {
      position_.erase(by_age_.front());
      by_age_.pop_front();
    }
    position_.emplace(flow_id, by_age_.insert(by_age_.end(), flow_id));
  }
  void Remove(uint64_t flow_id) {
    if (const auto known = position_.find(flow_id); known != position_.end()) {
      by_age_.erase(known->second);
      position_.erase(known);
    }
  }
  void Clear() {
    position_.clear();
    by_age_.clear();
  }

 private:
  size_t max_flows_;
  std::list<uint64_t> by_age_;
  std::unordered_map<uint64_t, std::list<uint64_t>::iterator> position_;
};

}  // namespace rpctee::stream
