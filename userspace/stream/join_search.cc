#include "stream/join_search.h"

#include <algorithm>

#include "protocol/framing.h"
#include "protocol/recognise.h"

namespace rpctee::stream {
namespace {

using protocol::kStrictBytes;

// Settle looks through what is held from its first byte on; all of that together at most so often.
constexpr uint64_t kSettlesOfAByte = 8;
// To find the ends of messages, as many bytes are read as are searched, at most so often.
constexpr uint64_t kReadsOfAByte = 8;
// Whole messages without frames that a silence must follow.
constexpr uint32_t kUnframedHeads = 2;

// What every strict test begins with, at the price of a few compares: can a request begin here? Five bytes are there.
bool MayStartRequest(const uint8_t* bytes) {
  switch (bytes[0]) {
    case 0xda:
      return bytes[1] == 0xbb;
    case 0x00: {
      const bool has_length = bytes[1] != 0 || bytes[2] != 0 || bytes[3] >= 8;
      return has_length && (bytes[4] == 0x82 || bytes[4] == 0x80 || bytes[4] == 0x0f || bytes[4] == 0x00);
    }
    case 0x80:
      return bytes[1] == 0x01 && bytes[2] == 0x00;
    case 0x82:
      return bytes[1] == 0x21 || bytes[1] == 0x81;
    default:
      return false;
  }
}

bool IsUnframed(Content protocol) { return protocol == Content::kThriftUnframed; }

}  // namespace

JoinSearch::State JoinSearch::Take(Bytes bytes) {
  DropSearched();
  if (!Hold(bytes)) {
    return State::kFailed;
  }
  return Search();
}

bool JoinSearch::Hold(Bytes bytes) {
  if (charge_.bytes() == 0 && !charge_.Take(HeapBytes(sizeof(JoinSearch)))) {
    return false;
  }
  const size_t needed = held_.size() + bytes.size();
  const size_t held = held_.capacity();
  if (needed > held) {
    const size_t wanted = std::max(needed, std::min(2 * held, max_bytes_));
    if (!charge_.Take(wanted - held)) {
      return false;
    }
    held_.reserve(wanted);
  }
  held_.insert(held_.end(), bytes.begin(), bytes.end());
  return true;
}

// Only when at least half of what is held goes, so that all the moving costs no more than the bytes that came.
void JoinSearch::DropSearched() {
  const bool is_following = chain_.protocol != Content::kUnknown;
  const size_t searched = is_following ? chain_.start : scan_;
  if (searched < held_.size() - searched) {
    return;
  }
  held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(searched));
  dropped_bytes_ += searched;
  scan_ -= searched;
  chain_.start -= is_following ? searched : 0;
  chain_.next_head -= is_following ? searched : 0;
}

JoinSearch::State JoinSearch::Search() {
  while (chain_.protocol != Content::kUnknown || FindStart()) {
    switch (Follow()) {
      case Verdict::kBelieved:
        return State::kFound;
      case Verdict::kUndecided:
        return State::kSearching;
      case Verdict::kNoMemory:
        return State::kFailed;
      case Verdict::kRefuted:
        scan_ = chain_.start + 1;
        chain_ = {};
        break;
    }
  }
  return dropped_bytes_ + scan_ >= max_bytes_ ? State::kFailed : State::kSearching;
}

// Moves on to the next place that passes the strict test, which needs its bytes; false when there is none yet.
bool JoinSearch::FindStart() {
  const size_t searchable = held_.size() - std::min(held_.size(), kStrictBytes - 1);
  const size_t end = std::min(searchable, max_bytes_ - std::min(max_bytes_, dropped_bytes_));
  for (; scan_ < end; ++scan_) {
    if (!MayStartRequest(&held_[scan_])) {
      continue;
    }
    ++tests_;
    const Content protocol = protocol::RequestAt(Bytes(held_).subspan(scan_));
    if (protocol != Content::kUnknown) {
      chain_ = {.start = scan_, .next_head = scan_, .protocol = protocol};
      return true;
    }
  }
  return false;
}

JoinSearch::Verdict JoinSearch::Follow() {
  while (chain_.heads < kHeads) {
    const size_t head_end = chain_.next_head + (chain_.in_message ? 0 : kStrictBytes);
    if (head_end - chain_.start > max_bytes_) {
      return Verdict::kRefuted;  // may be right, but would never be held whole
    }
    if (chain_.in_message) {
      if (const Verdict verdict = PassMessage(chain_, *scanner_); verdict != Verdict::kBelieved) {
        return verdict;
      }
    } else if (head_end > held_.size()) {
      return Verdict::kUndecided;
    } else if (!PassHead(chain_)) {
      return Verdict::kRefuted;
    } else if (chain_.in_message && !BeginMessage()) {
      return Verdict::kNoMemory;
    }
  }
  return Verdict::kBelieved;
}

// The first head has passed the strict test already.
bool JoinSearch::PassHead(Chain& chain) {
  ++tests_;
  const Bytes head = Bytes(held_).subspan(chain.next_head);
  if (chain.heads != 0 && !protocol::StartsFrame(chain.protocol, head)) {
    return false;
  }
  ++chain.heads;
  if (IsUnframed(chain.protocol)) {
    chain.in_message = true;
    return true;
  }
  if (head.size() < protocol::HeaderBytes(chain.protocol)) {
    return false;
  }
  const std::optional<protocol::FrameMeasure> frame = protocol::MeasureFrame(chain.protocol, head);
  chain.next_head += frame ? frame->frame_bytes : 0;
  return frame.has_value();
}

bool JoinSearch::BeginMessage() {
  if (scanner_ == nullptr && !charge_.Take(HeapBytes(sizeof(Scanner)))) {
    return false;
  }
  scanner_ = std::make_unique<Scanner>(max_bytes_);
  return true;
}

// Believed: the message has ended, and another head is due.
JoinSearch::Verdict JoinSearch::PassMessage(Chain& chain, Scanner& scanner) {
  if (read_bytes_ > kReadsOfAByte * max_bytes_) {
    return Verdict::kRefuted;
  }
  const size_t used = scanner.Feed(Bytes(held_).subspan(chain.next_head));
  chain.next_head += used;
  read_bytes_ += used;
  if (scanner.failed()) {
    return Verdict::kRefuted;
  }
  if (!scanner.done()) {
    return Verdict::kUndecided;
  }
  chain.in_message = false;
  return Verdict::kBelieved;
}

// A place that is undecided is passed over here: in silence it keeps nobody waiting.
JoinSearch::State JoinSearch::Settle() {
  const size_t from = chain_.protocol != Content::kUnknown ? chain_.start : scan_;
  const size_t searched = held_.size() - from;
  if (settled_bytes_ + searched > kSettlesOfAByte * (dropped_bytes_ + held_.size())) {
    return State::kSearching;
  }
  settled_bytes_ += searched;
  for (size_t start = from; start < held_.size(); ++start) {
    if (start + kStrictBytes <= held_.size() && !MayStartRequest(&held_[start])) {
      continue;
    }
    ++tests_;
    const Content protocol = protocol::RequestAt(Bytes(held_).subspan(start));
    Chain chain{.start = start, .next_head = start, .protocol = protocol};
    if (protocol != Content::kUnknown && EndsInSilence(chain)) {
      chain_ = chain;
      return State::kFound;
    }
  }
  return State::kSearching;
}

bool JoinSearch::EndsInSilence(Chain& chain) {
  while (chain.next_head < held_.size() && chain.heads < kHeads) {
    if (!PassHead(chain)) {
      return false;
    }
    if (chain.in_message && chain.heads < kHeads) {
      Scanner scanner(max_bytes_);
      if (PassMessage(chain, scanner) != Verdict::kBelieved) {
        return false;
      }
    }
  }
  const bool is_silent_at_end = chain.next_head == held_.size();
  return chain.heads == kHeads || (is_silent_at_end && (!IsUnframed(chain.protocol) || chain.heads >= kUnframedHeads));
}

}  // namespace rpctee::stream
