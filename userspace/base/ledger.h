// The books: how each request that was seen ended, and how each copy ended, by name.
//
// Each worker has a ledger of its own: one writer, any number of readers; counters are relaxed atomics. The report is
// the sum of all workers' counts and the tap's. What is told by rule is the writer's alone. The names come from the one
// list in bpf/abi/reasons.h.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "base/mirror_counts.h"
#include "base/outcomes.h"
#include "base/rule_book.h"

namespace rpctee {

// What the tap program counted; the agent's part of the books starts from it.
struct TapTotals {
  uint64_t seen = 0;
  uint64_t not_sampled = 0;
  uint64_t too_big = 0;
  uint64_t ring_full = 0;
  uint64_t sampled = 0;  // whose first part went into the ring
};

// A consistent reading of the books, with the kernel's and the agent's counts added up.
struct LedgerReport {
  uint64_t seen = 0;
  uint64_t sampled = 0;
  uint64_t received = 0;  // requests whose first part the agent took from the ring; equals sampled when all is drained
  std::array<uint64_t, kRequestOutcomes> requests{};
  uint64_t in_ring = 0;  // sampled, not yet taken from the ring
  uint64_t open = 0;     // received, not yet ended: as counted by their owner, not as a difference
  uint64_t copies = 0;
  uint64_t sent = 0;      // copies whose last byte was handed to a socket
  uint64_t unmarked = 0;  // copies that went out without the attachments they should have had
  std::array<uint64_t, kCopyOutcomes> copy_outcomes{};
  uint64_t in_flight = 0;             // copies not yet ended: as counted by their owner
  std::vector<RuleCounts> rules;      // the copies' part once more, by rule and endpoint
  std::vector<MirrorCounts> mirrors;  // by endpoint, in the order of addresses
  bool settled = false;               // the agent has stopped: nothing may be in the ring, open or in flight any more

  // seen = sum of outcomes + open + in ring, copies = sum of copy outcomes + in flight; and when settled, these three
  // are 0.
  bool Balanced() const;
  // Several lines for people, one of them for each rule and endpoint, and for each mirror. Zeroes are left out.
  std::string ToText() const;
  // One JSON object: every name with its number, "rules", "mirrors" and "balanced".
  std::string ToJson() const;
};

// The agent's part of the books: what one worker counted, or several together.
struct LedgerCounts {
  uint64_t stream_seen = 0;
  uint64_t stream_sampled = 0;
  uint64_t received = 0;
  std::array<uint64_t, kRequestOutcomes> requests{};
  uint64_t open = 0;
  uint64_t copies = 0;
  uint64_t sent = 0;
  uint64_t unmarked = 0;
  std::array<uint64_t, kCopyOutcomes> copy_outcomes{};
  uint64_t in_flight = 0;
  std::vector<RuleCounts> rules;
  std::vector<MirrorCounts> mirrors;

  LedgerCounts& operator+=(const LedgerCounts& other);
};

LedgerReport MakeReport(const TapTotals& tap, const LedgerCounts& agent, bool settled);

class Ledger {
 public:
  // Requests that the agent framed itself, in a flow that had lost its place: seen, and drawn.
  void SeenInStream() { Add(stream_seen_, 1); }
  void SampledInStream() { Add(stream_sampled_, 1); }
  void Received() { Add(received_, 1); }
  void End(RequestOutcome outcome) { Add(requests_[static_cast<size_t>(outcome)], 1); }
  void CopyMade() { Add(copies_, 1); }
  // `rule`: a number of the rule book; `endpoint`: null for a copy that never had one; `latency`: of an answered copy.
  void CopySent(uint32_t rule = RuleBook::kOther, const SocketAddress* endpoint = nullptr) {
    Add(sent_, 1);
    rules_.Sent(rule, endpoint);
  }
  void CopyUnmarked() { Add(unmarked_, 1); }
  void EndCopy(CopyOutcome outcome, uint32_t rule = RuleBook::kOther, const SocketAddress* endpoint = nullptr,
               Duration latency = {}) {
    Add(copy_outcomes_[static_cast<size_t>(outcome)], 1);
    rules_.End(rule, endpoint, outcome, latency);
  }
  uint32_t NumberOf(const RuleName& rule) { return rules_.NumberOf(rule); }

  // How many received requests, and how many copies, have not ended. Told by those who hold them.
  void SetOpen(uint64_t requests) { open_.store(requests, std::memory_order_relaxed); }
  void SetInFlight(uint64_t copies) { in_flight_.store(copies, std::memory_order_relaxed); }

  // Without the rules. Exact when the worker is between two rounds; in the middle of one, a request may be half way.
  LedgerCounts Counts() const;
  // With the rules; for the thread that writes.
  LedgerCounts AllCounts() const;

 private:
  using Counter = std::atomic<uint64_t>;
  static void Add(Counter& counter, uint64_t amount) {
    // One writer: a plain load and store is enough, and cheaper than a locked add.
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }

  Counter stream_seen_{0};
  Counter stream_sampled_{0};
  Counter received_{0};
  std::array<Counter, kRequestOutcomes> requests_{};
  Counter copies_{0};
  Counter sent_{0};
  Counter unmarked_{0};
  std::array<Counter, kCopyOutcomes> copy_outcomes_{};
  Counter open_{0};
  Counter in_flight_{0};
  RuleBook rules_;
};

}  // namespace rpctee
