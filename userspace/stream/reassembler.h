// Puts the bytes of flows that the tap can't frame in order, frames them, and hands the flow back when nothing is
// missing: the agent's half of the STREAM state.
//
// One worker thread. Owns the bytes that wait behind a hole, or for a place where a request begins, within a fixed
// amount of memory and time. Requests that it frames go on as parts, the same way as those that the tap framed; each is
// drawn here. What can't be mended is given up: the tap then looks for the next request by itself, or asks again.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <unordered_map>

#include "base/capture.h"
#include "base/clock.h"
#include "stream/assembler.h"
#include "stream/flow_requests.h"
#include "stream/flow_stream.h"
#include "stream/memory_budget.h"
#include "stream/reassembler_observer.h"
#include "stream/refused_flows.h"

namespace rpctee::stream {

struct ReassemblerLimits {
  size_t max_bytes = size_t{16} << 20;  // of all flows and of what waits in them, bookkeeping included
  size_t max_flows = 4'096;
  // Without a byte that brings the flow forward; then what is missing is given up, and the next request looked for
  // behind it. TCP sends what was lost again after 200, 400, 800 and 1600 ms when it hears nothing (RFC 6298).
  Duration max_hole = std::chrono::milliseconds(3'200);
  Duration max_quiet = std::chrono::milliseconds(200);  // a flow that is silent so long has sent whole requests
  Duration max_idle = std::chrono::seconds(60);         // mended, and the tap does not take it back
  Duration max_silent = std::chrono::minutes(10);       // the same, between messages that the tap can't frame
  Duration max_refused = std::chrono::seconds(60);      // the tap frames at a false place, and does not leave it
  uint32_t max_request_bytes = 16U << 20;
  uint32_t max_join_bytes = 1U << 20;  // to find a request's head in
};

class Reassembler {
 public:
  Reassembler(Assembler& assembler, ReassemblerObserver& observer, ReassemblerLimits limits);

  void Take(const CapturedStream& record, TimePoint now);
  // A part that the tap framed, or its word that one was cut: goes on to the assembler. What is held of that flow is
  // over. A part of a flow that the tap took back where no frame begins is booked as a gap.
  void Take(const CapturedPart& part, TimePoint now);
  // Gives up what waited too long. Costs nothing when there are no flows, and little when none is due.
  void Expire(TimePoint now);
  // No more records will come of the flows so far: takes the requests that are whole, and ends the others.
  void Finish(TimePoint now);

  size_t flows() const { return entries_.size(); }
  // What waits in them, and with what they take themselves, which max_bytes bounds.
  size_t buffered_bytes() const { return memory_.used_bytes() - own_.bytes(); }
  size_t used_bytes() const { return memory_.used_bytes(); }

 private:
  using Verdict = FlowStream::Verdict;
  struct Entry {
    Entry(RequestSink& sink, MemoryBudget& memory, uint32_t max_join_bytes, const CapturedStream& record)
        : stream(sink, memory, max_join_bytes, record) {}
    FlowStream stream;
    TimePoint progress{};      // of the last byte that brought the flow forward, or the beginning of a hole
    TimePoint heard{};         // of the last byte at all
    bool has_settled = false;  // since then it was tried whether the silence tells something
    uint32_t holes = 0;
    std::optional<uint32_t> told_holes;  // with OnMended
    uint32_t untold_bytes = 0;           // in order since OnTaken, of an unframed flow
    std::list<uint64_t>::iterator age;
  };
  using EntryMap = std::unordered_map<uint64_t, Entry>;  // by flow id
  static constexpr size_t kFlowBytes = MapEntryBytes<EntryMap>() + ListEntryBytes<uint64_t>();

  EntryMap::iterator FindOrAdd(const CapturedStream& record);
  bool MakeRoom();
  void Begin(const CapturedStream& record);
  void TakeData(const CapturedStream& record);
  void End(const CapturedStream& record);
  bool IsRefused(const CapturedPart& part);

  void Follow(EntryMap::iterator position, Verdict verdict);
  void TellIfMended(Entry& entry);
  void TellIfTaken(Entry& entry, uint32_t bytes);
  TimePoint DeadlineOf(const Entry& entry) const;
  void OnDeadline(EntryMap::iterator position);
  void GiveUp(EntryMap::iterator position);
  void Erase(EntryMap::iterator position);

  RequestSink sink_;
  MemoryBudget memory_;
  MemoryCharge own_{memory_};  // of the flows themselves
  ReassemblerLimits limits_;
  EntryMap entries_;
  std::list<uint64_t> by_age_;                  // flow ids, the one that was silent longest first
  TimePoint next_deadline_ = TimePoint::max();  // no entry's is earlier
  TimePoint next_scan_{};
  RefusedFlows refused_;
};

}  // namespace rpctee::stream
