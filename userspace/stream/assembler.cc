#include "stream/assembler.h"

#include <algorithm>

namespace rpctee::stream {
namespace {

// Word of a cut may itself have been lost for want of room in the ring: then nothing says why.
LostReason ReasonOf(CutReason cut) {
  switch (cut) {
    case CutReason::kGap:
      return LostReason::kGap;
    case CutReason::kFlowEnded:
      return LostReason::kFlowEnded;
    case CutReason::kNone:
    case CutReason::kRingFull:
      break;
  }
  return LostReason::kRingFull;
}

}  // namespace

void Assembler::Take(const CapturedPart& part, TimePoint now) {
  const auto open = partial_.find(part.flow_id);
  if (part.is_cut) {
    if (open != partial_.end()) {
      Drop(open, ReasonOf(part.cut));
    }
  } else if (part.offset == 0) {
    if (open != partial_.end()) {
      Drop(open, ReasonOf(part.cut));
    }
    TakeFirst(part, now);
  } else if (open != partial_.end()) {
    TakeNext(open, part, now);
  }
}

void Assembler::TakeFirst(const CapturedPart& part, TimePoint now) {
  observer_.OnFirstPart();
  Frame frame{part.flow, part.flow_id, part.time_ns, part.protocol, part.draw, part.bytes};
  if (part.bytes.size() == part.frame_bytes) {
    observer_.OnFrame(frame);
    return;
  }
  const auto position = partial_.try_emplace(part.flow_id).first;
  Partial& partial = position->second;
  partial.frame = frame;
  partial.frame.bytes = {};
  partial.request = part.request;
  partial.frame_bytes = part.frame_bytes;
  partial.last_part = now;
  partial.age = by_age_.insert(by_age_.end(), part.flow_id);
  // What an entry costs besides its bytes counts too: many connections may each hold one request of a few bytes.
  partial.charged_bytes = kPartialBytes;
  buffered_bytes_ += partial.charged_bytes;
  if (part.bytes.size() > part.frame_bytes) {
    Drop(position, LostReason::kRingFull);
  } else if (!Append(partial, part.bytes)) {
    Drop(position, LostReason::kOverMemory);
  }
}

void Assembler::TakeNext(PartialMap::iterator position, const CapturedPart& part, TimePoint now) {
  Partial& partial = position->second;
  const bool continues = part.request == partial.request && part.offset == partial.bytes.size() &&
                         part.frame_bytes == partial.frame_bytes &&
                         part.bytes.size() <= partial.frame_bytes - partial.bytes.size();
  if (!continues) {
    Drop(position, LostReason::kRingFull);  // a record in between did not fit
    return;
  }
  if (!Append(partial, part.bytes)) {
    Drop(position, LostReason::kOverMemory);
    return;
  }
  if (partial.bytes.size() == partial.frame_bytes) {
    auto whole = Release(position);
    whole.mapped().frame.bytes = whole.mapped().bytes;
    observer_.OnFrame(whole.mapped().frame);
    return;
  }
  partial.last_part = now;
  by_age_.splice(by_age_.end(), by_age_, partial.age);
}

void Assembler::Refuse(LostReason reason) {
  observer_.OnFirstPart();
  observer_.OnLost(reason);
}

bool Assembler::Append(Partial& partial, Bytes bytes) {
  const size_t needed = partial.bytes.size() + bytes.size();
  if (!Grow(partial, needed)) {
    return false;
  }
  partial.bytes.insert(partial.bytes.end(), bytes.begin(), bytes.end());
  return true;
}

// The announced length only caps the growth: memory follows the bytes that really came.
bool Assembler::Grow(Partial& partial, size_t needed) {
  const size_t held = partial.bytes.capacity();
  const size_t room = limits_.max_bytes - std::min(limits_.max_bytes, buffered_bytes_);
  if (needed <= held) {
    return buffered_bytes_ <= limits_.max_bytes;
  }
  const size_t wanted = std::max(needed, std::min<size_t>(held * 2, partial.frame_bytes));
  const size_t capacity = wanted - held <= room ? wanted : needed;
  if (capacity - held > room) {
    return false;
  }
  partial.bytes.reserve(capacity);
  const size_t grown = partial.bytes.capacity() - held;
  partial.charged_bytes += grown;
  buffered_bytes_ += grown;
  return true;
}

void Assembler::Expire(TimePoint now) {
  while (!by_age_.empty()) {
    const auto oldest = partial_.find(by_age_.front());
    if (now - oldest->second.last_part < limits_.max_age) {
      return;
    }
    Drop(oldest, LostReason::kExpired);
  }
}

void Assembler::Stop() {
  while (!partial_.empty()) {
    Drop(partial_.begin(), LostReason::kStopped);
  }
}

Assembler::PartialMap::node_type Assembler::Release(PartialMap::iterator position) {
  buffered_bytes_ -= position->second.charged_bytes;
  by_age_.erase(position->second.age);
  return partial_.extract(position);
}

void Assembler::Drop(PartialMap::iterator position, LostReason reason) {
  Release(position);
  observer_.OnLost(reason);
}

}  // namespace rpctee::stream
