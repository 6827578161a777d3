#include "stream/reassembler.h"

#include <algorithm>

namespace rpctee::stream {
namespace {

using Start = CapturedStream::Start;

// Bytes that come before word of why they come: another CPU's, of a few packets.
constexpr size_t kMaxEarlyBytes = size_t{256} << 10;
// The tap ends a flow of which it sent 16 MiB up without a word.
constexpr uint32_t kTellEveryBytes = 4U << 20;
// All flows are looked through at most so often.
constexpr Duration kScanInterval = std::chrono::milliseconds(10);

}  // namespace

Reassembler::Reassembler(Assembler& assembler, ReassemblerObserver& observer, ReassemblerLimits limits)
    : sink_{.assembler = assembler,
            .observer = observer,
            .max_request_bytes = limits.max_request_bytes,
            .random = std::mt19937(std::random_device{}())},
      memory_(limits.max_bytes),
      limits_(limits),
      refused_(limits.max_flows, limits.max_refused) {}

void Reassembler::Take(const CapturedStream& record, TimePoint now) {
  sink_.now = now;
  switch (record.kind) {
    case CapturedStream::Kind::kBegin:
      Begin(record);
      break;
    case CapturedStream::Kind::kData:
      TakeData(record);
      break;
    case CapturedStream::Kind::kEnd:
      End(record);
      break;
  }
}

void Reassembler::Take(const CapturedPart& part, TimePoint now) {
  sink_.now = now;
  if (refused_.Contains(part.flow_id, now) && IsRefused(part)) {
    if (!part.is_cut && part.offset == 0) {
      sink_.assembler.Refuse(LostReason::kGap);
    }
    return;
  }
  const auto position = entries_.find(part.flow_id);
  if (position != entries_.end() && position->second.stream.started()) {
    FlowStream& stream = position->second.stream;
    if (part.is_cut && part.cut == CutReason::kFlowEnded) {
      (void)stream.Settle();
    }
    stream.Cut(part.cut);
    Erase(position);
  }
  sink_.assembler.Take(part, now);
}

// The tap leaves the false place when it cuts the flow for a gap, which it does also between requests; word of that may
// come with the next request.
bool Reassembler::IsRefused(const CapturedPart& part) {
  const bool has_left = part.cut == CutReason::kGap || (part.is_cut && part.cut == CutReason::kFlowEnded);
  if (has_left) {
    refused_.Remove(part.flow_id);
  }
  return !has_left;
}

Reassembler::EntryMap::iterator Reassembler::FindOrAdd(const CapturedStream& record) {
  const auto known = entries_.find(record.flow_id);
  if (known != entries_.end()) {
    by_age_.splice(by_age_.end(), by_age_, known->second.age);
    return known;
  }
  const bool is_full = entries_.size() >= limits_.max_flows || !own_.Take(kFlowBytes);
  if (is_full && !(MakeRoom() && own_.Take(kFlowBytes))) {
    return entries_.end();
  }
  const auto added = entries_.try_emplace(record.flow_id, sink_, memory_, limits_.max_join_bytes, record).first;
  added->second.progress = sink_.now;
  added->second.age = by_age_.insert(by_age_.end(), record.flow_id);
  return added;
}

// The flow that was silent longest goes, unless it may still be waited for.
bool Reassembler::MakeRoom() {
  if (by_age_.empty()) {
    return false;
  }
  const auto oldest = entries_.find(by_age_.front());
  if (sink_.now - oldest->second.progress <= limits_.max_hole) {
    return false;
  }
  GiveUp(oldest);
  return true;
}

void Reassembler::Begin(const CapturedStream& record) {
  if (refused_.Contains(record.flow_id, sink_.now)) {
    if (record.start == Start::kFrame) {
      // Still framed from the false place.
      sink_.observer.OnGivenUp(record.flow, record.flow_id, record.holes);
      return;
    }
    refused_.Remove(record.flow_id);
  }
  if (const auto known = entries_.find(record.flow_id); known != entries_.end() && known->second.stream.started()) {
    known->second.stream.Cut(CutReason::kRingFull);  // its end was lost
    Erase(known);
  }
  const auto position = FindOrAdd(record);
  if (!record.copying) {
    // Whatever is open of this flow was cut, and the record that said so was lost.
    FlowRequests(sink_, record.flow_id, record.flow).Cut(CutReason::kRingFull);
  }
  if (position == entries_.end()) {
    sink_.observer.OnGivenUp(record.flow, record.flow_id, record.holes);
    return;
  }
  Entry& entry = position->second;
  entry.progress = entry.heard = sink_.now;
  entry.holes = record.holes;
  entry.told_holes.reset();
  Follow(position, entry.stream.Begin(record));
}

void Reassembler::TakeData(const CapturedStream& record) {
  if (refused_.Contains(record.flow_id, sink_.now)) {
    return;
  }
  const auto position = FindOrAdd(record);
  if (position == entries_.end()) {
    return;  // its Begin was given up for the same reason, or never came
  }
  Entry& entry = position->second;
  FlowStream& stream = entry.stream;
  const bool had_hole = stream.has_hole();
  const uint32_t next_before = stream.next_seq();
  entry.heard = sink_.now;
  entry.holes = std::max(entry.holes, record.holes);
  const Verdict verdict = stream.Take(record);
  if (!stream.started() && stream.held_bytes() > kMaxEarlyBytes) {
    Erase(position);
    return;
  }
  const uint32_t in_order = stream.next_seq() - next_before;
  if (in_order != 0 || (stream.started() && !had_hole)) {
    entry.progress = sink_.now;
    entry.has_settled = false;
  }
  if (verdict == Verdict::kGoOn) {
    TellIfMended(entry);
    TellIfTaken(entry, in_order);
  }
  Follow(position, verdict);
}

void Reassembler::End(const CapturedStream& record) {
  const auto position = entries_.find(record.flow_id);
  if (position == entries_.end() || !position->second.stream.started()) {
    return;
  }
  Entry& entry = position->second;
  if (!entry.stream.IsBoundary(record.seq)) {
    // The tap can't be told: it heeds no word before the next stream, and then it is told at once.
    refused_.Add(record.flow_id, sink_.now);
    entry.stream.Cut(CutReason::kGap);
    Erase(position);
  } else if (entry.stream.has_hole()) {
    // Another CPU's bytes, from behind what the tap frames now: they may fill its next hole.
    entry.stream.Pause();
    entry.progress = sink_.now;
    Follow(position, Verdict::kGoOn);
  } else {
    Erase(position);
  }
}

void Reassembler::Follow(EntryMap::iterator position, Verdict verdict) {
  Entry& entry = position->second;
  switch (verdict) {
    case Verdict::kGoOn:
      next_deadline_ = std::min(next_deadline_, DeadlineOf(entry));
      break;
    case Verdict::kGiveUp:
      GiveUp(position);
      break;
    case Verdict::kIgnore:
      sink_.observer.OnIgnored(entry.stream.flow(), entry.stream.flow_id(), entry.holes, entry.stream.content());
      Erase(position);
      break;
  }
}

void Reassembler::TellIfMended(Entry& entry) {
  if (entry.stream.is_mended() && entry.told_holes != entry.holes) {
    entry.told_holes = entry.holes;
    sink_.observer.OnMended(entry.stream.flow(), entry.stream.flow_id(), entry.holes, entry.stream.content());
  }
}

void Reassembler::TellIfTaken(Entry& entry, uint32_t bytes) {
  if (!entry.stream.is_unframed()) {
    return;
  }
  entry.untold_bytes += bytes;
  if (entry.untold_bytes >= kTellEveryBytes) {
    entry.untold_bytes = 0;
    sink_.observer.OnTaken(entry.stream.flow(), entry.stream.flow_id(), entry.holes);
  }
}

TimePoint Reassembler::DeadlineOf(const Entry& entry) const {
  const FlowStream& stream = entry.stream;
  if (!stream.started() || stream.has_hole()) {
    return entry.progress + limits_.max_hole;
  }
  if (stream.is_joining() && !entry.has_settled) {
    return entry.progress + limits_.max_quiet;
  }
  return entry.progress + (stream.is_unframed() && stream.at_boundary() ? limits_.max_silent : limits_.max_idle);
}

void Reassembler::OnDeadline(EntryMap::iterator position) {
  Entry& entry = position->second;
  if (entry.stream.started() && entry.stream.has_hole()) {
    entry.has_settled = false;
    entry.progress = sink_.now;
    Verdict verdict = entry.stream.SkipHole();
    // After a silence the other holes are as old: thousands of them do not hold memory one after the other.
    while (verdict == Verdict::kGoOn && entry.stream.has_hole() && sink_.now - entry.heard > limits_.max_hole) {
      verdict = entry.stream.SkipHole();
    }
    if (verdict == Verdict::kGoOn) {
      TellIfMended(entry);
    }
    Follow(position, verdict);
    return;
  }
  if (!entry.stream.is_joining() || entry.has_settled) {
    GiveUp(position);
    return;
  }
  entry.has_settled = true;
  const Verdict verdict = entry.stream.Settle();
  if (verdict == Verdict::kGoOn) {
    TellIfMended(entry);
  }
  Follow(position, verdict);
}

void Reassembler::Expire(TimePoint now) {
  sink_.now = now;
  if (now <= next_deadline_ || now < next_scan_) {
    return;
  }
  next_scan_ = now + kScanInterval;
  next_deadline_ = TimePoint::max();
  for (auto position = entries_.begin(); position != entries_.end();) {
    const auto current = position++;
    const TimePoint deadline = DeadlineOf(current->second);
    if (now > deadline) {
      OnDeadline(current);
    } else {
      next_deadline_ = std::min(next_deadline_, deadline);
    }
  }
}

void Reassembler::Finish(TimePoint now) {
  sink_.now = now;
  for (auto position = entries_.begin(); position != entries_.end();) {
    const auto current = position++;
    FlowStream& stream = current->second.stream;
    if (stream.started()) {
      Verdict verdict = stream.Settle();
      while (verdict == Verdict::kGoOn && stream.has_hole()) {
        verdict = stream.SkipHole();
        verdict = verdict == Verdict::kGoOn ? stream.Settle() : verdict;
      }
      stream.Cut(CutReason::kFlowEnded);
    }
    Erase(current);
  }
  refused_.Clear();
}

void Reassembler::GiveUp(EntryMap::iterator position) {
  FlowStream& stream = position->second.stream;
  if (stream.started()) {
    stream.Cut(CutReason::kGap);
    sink_.observer.OnGivenUp(stream.flow(), stream.flow_id(), position->second.holes);
  }
  Erase(position);
}

void Reassembler::Erase(EntryMap::iterator position) {
  by_age_.erase(position->second.age);
  entries_.erase(position);
  own_.Free(kFlowBytes);
}

}  // namespace rpctee::stream
