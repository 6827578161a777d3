#include "stream/ordered_bytes.h"

#include <algorithm>
#include <iterator>

namespace rpctee::stream {
namespace {

// What a piece that waits takes: its bytes, and a node of the tree, which is four words and the entry.
constexpr size_t CostOf(size_t bytes) {
  return HeapBytes(bytes) + HeapBytes(4 * sizeof(void*) + sizeof(std::pair<const int64_t, std::vector<uint8_t>>));
}

}  // namespace

void OrderedBytes::StartAt(uint32_t seq) {
  next_ = PositionOf(seq);
  next_seq_ = seq;
  started_ = true;
}

void OrderedBytes::SkipHole() {
  if (!waiting_.empty()) {
    Advance(static_cast<size_t>(std::max<int64_t>(waiting_.begin()->first - next_, 0)));
  }
}

void OrderedBytes::Advance(size_t bytes) {
  next_ += static_cast<int64_t>(bytes);
  next_seq_ += static_cast<uint32_t>(bytes);
}

std::optional<Bytes> OrderedBytes::Take(uint32_t seq, Bytes bytes) {
  const int64_t position = PositionOf(seq);
  if (!started_ || position > next_) {
    return Keep(position, bytes) ? std::optional(Bytes()) : std::nullopt;
  }
  bytes = bytes.subspan(std::min(static_cast<size_t>(next_ - position), bytes.size()));
  size_t in_order = bytes.size();
  if (!waiting_.empty()) {
    in_order = std::min(in_order, static_cast<size_t>(waiting_.begin()->first - next_));
  }
  Advance(in_order);
  if (!Keep(next_, bytes.subspan(in_order))) {
    return std::nullopt;
  }
  return bytes.first(in_order);
}

std::optional<OrderedBytes::Piece> OrderedBytes::Next() {
  while (started_ && !waiting_.empty() && waiting_.begin()->first <= next_) {
    auto node = waiting_.extract(waiting_.begin());
    std::vector<uint8_t>& bytes = node.mapped();
    charge_.Free(CostOf(bytes.size()));
    const auto seen = static_cast<size_t>(next_ - node.key());
    if (seen < bytes.size()) {
      Advance(bytes.size() - seen);
      return Piece(std::move(bytes), seen);
    }
  }
  return std::nullopt;
}

// Only what no piece holds yet is kept.
bool OrderedBytes::Keep(int64_t position, Bytes bytes) {
  auto next = waiting_.upper_bound(position);
  if (next != waiting_.begin()) {
    const auto& [start, piece] = *std::prev(next);
    const int64_t end = start + static_cast<int64_t>(piece.size());
    if (end > position) {
      const auto held = std::min(static_cast<size_t>(end - position), bytes.size());
      bytes = bytes.subspan(held);
      position += static_cast<int64_t>(held);
    }
  }
  while (!bytes.empty()) {
    next = waiting_.lower_bound(position);
    const size_t room = next == waiting_.end() ? bytes.size() : static_cast<size_t>(next->first - position);
    const size_t count = std::min(room, bytes.size());
    const size_t held = next == waiting_.end() ? 0 : std::min(next->second.size(), bytes.size() - count);
    if (count != 0 && !KeepPiece(position, bytes.first(count))) {
      return false;
    }
    bytes = bytes.subspan(count + held);
    position += static_cast<int64_t>(count + held);
  }
  return true;
}

bool OrderedBytes::KeepPiece(int64_t position, Bytes bytes) {
  if (!charge_.Take(CostOf(bytes.size()))) {
    return false;
  }
  waiting_.emplace(position, std::vector<uint8_t>(bytes.begin(), bytes.end()));
  return true;
}

}  // namespace rpctee::stream
