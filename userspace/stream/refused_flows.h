// The flows whose requests the tap frames at a place that is none: what it takes for requests there are none.
//
// One worker thread. Owns at most max_flows numbers; the oldest makes room. Each ends by what the tap says when it
// loses the false place. It ends in time too: what is planted in one body does not last, and if it was the agent's
// place that was false, the tap loses none.
#pragma once

#include <cstdint>
#include <list>
#include <unordered_map>

#include "base/clock.h"

namespace rpctee::stream {

class RefusedFlows {
 public:
  RefusedFlows(size_t max_flows, Duration max_age) : max_flows_(max_flows), max_age_(max_age) {}

  bool Contains(uint64_t flow_id, TimePoint now) {
    while (!by_age_.empty() && now - by_age_.front().since > max_age_) {
      RemoveOldest();
    }
    return !by_age_.empty() && position_.contains(flow_id);
  }
  void Add(uint64_t flow_id, TimePoint now) {
    Remove(flow_id);
    if (by_age_.size() >= max_flows_) {
      RemoveOldest();
    }
    position_.emplace(flow_id, by_age_.insert(by_age_.end(), {flow_id, now}));
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
  struct Refused {
    uint64_t flow_id;
    TimePoint since;
  };

  void RemoveOldest() {
    position_.erase(by_age_.front().flow_id);
    by_age_.pop_front();
  }

  size_t max_flows_;
  Duration max_age_;
  std::list<Refused> by_age_;  // the oldest first
  std::unordered_map<uint64_t, std::list<Refused>::iterator> position_;
};

}  // namespace rpctee::stream
