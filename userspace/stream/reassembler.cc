#include "stream/reassembler.h"

#include <algorithm>
#include <limits>

#include "protocol/dubbo/dubbo_codec.h"

namespace rpctee::stream {
namespace {

using protocol::FrameHeader;
using protocol::FrameStatus;
using protocol::MessageKind;

// What a piece that waits costs besides its bytes: a tree node and an allocation.
constexpr size_t kPieceBytes = 96;
static_assert(std::tuple_size_v<decltype(CapturedStream::header)> == protocol::dubbo::kHeaderBytes);

int64_t PositionOf(uint32_t origin, uint32_t seq) { return static_cast<int32_t>(seq - origin); }

}  // namespace

void Reassembler::Take(const CapturedStream& record, TimePoint now) {
  now_ = now;
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

void Reassembler::OnPart(const CapturedPart& part) {
  const auto position = streams_.find(part.flow_id);
  if (position != streams_.end() && position->second.active) {
    Erase(position);
  }
}

Reassembler::StreamMap::iterator Reassembler::FindOrAdd(const CapturedStream& record) {
  const auto known = streams_.find(record.flow_id);
  if (known != streams_.end() || streams_.size() >= limits_.max_flows) {
    return known;
  }
  Stream stream;
  stream.flow = record.flow;
  stream.flow_id = record.flow_id;
  stream.origin = record.seq;
  stream.progress = now_;
  return streams_.emplace(record.flow_id, std::move(stream)).first;
}

void Reassembler::Begin(const CapturedStream& record) {
  if (const auto known = streams_.find(record.flow_id); known != streams_.end() && known->second.active) {
    Erase(known);  // its end was lost in the ring
  }
  const auto position = FindOrAdd(record);
  if (!record.copying) {
    // Whatever is open of this flow was cut, and the record that said so was lost.
    Cut(record.flow_id, record.flow, CutReason::kRingFull);
  }
  if (position == streams_.end()) {
    observer_.OnGivenUp(record.flow, record.flow_id);
    return;
  }
  Stream& stream = position->second;
  stream.active = true;
  stream.next = PositionOf(stream.origin, record.seq);
  stream.progress = now_;
  stream.time_ns = record.time_ns;
  stream.frame_bytes = record.frame_bytes;
  stream.frame_left = record.frame_left;
  stream.copying = record.copying;
  stream.draw = record.draw;
  stream.request = record.request;
  stream.header_have = record.header_have;
  stream.header = record.header;
  if (!Advance(stream)) {
    GiveUp(position);
  }
}

void Reassembler::TakeData(const CapturedStream& record) {
  const auto position = FindOrAdd(record);
  if (position == streams_.end()) {
    return;  // its Begin was given up for the same reason, or never came
  }
  Stream& stream = position->second;
  stream.holes = std::max(stream.holes, record.holes);
  stream.time_ns = record.time_ns;
  if (!Keep(stream, PositionOf(stream.origin, record.seq), record.bytes) || !Advance(stream)) {
    GiveUp(position);
    return;
  }
  TellIfMended(stream);
}

void Reassembler::End(const CapturedStream& record) {
  const auto position = streams_.find(record.flow_id);
  if (position == streams_.end() || !position->second.active) {
    return;
  }
  const Stream& stream = position->second;
  const bool in_line = stream.waiting.empty() && stream.next == PositionOf(stream.origin, record.seq) &&
                       stream.frame_left == 0 && stream.header_have == 0;
  if (!in_line) {
    Cut(stream.flow_id, stream.flow, CutReason::kGap);
  }
  Erase(position);
}

bool Reassembler::Keep(Stream& stream, int64_t position, Bytes bytes) {
  const int64_t first = stream.active ? stream.next : std::numeric_limits<int64_t>::min();
  if (position < first) {
    const auto seen = static_cast<size_t>(std::min<int64_t>(first - position, static_cast<int64_t>(bytes.size())));
    bytes = bytes.subspan(seen);
    position += static_cast<int64_t>(seen);
  }
  // The first copy of a byte wins: only what no piece holds is kept.
  auto next = stream.waiting.upper_bound(position);
  if (next != stream.waiting.begin()) {
    const auto& [start, piece] = *std::prev(next);
    const int64_t end = start + static_cast<int64_t>(piece.size());
    if (end > position) {
      const auto held = std::min(static_cast<size_t>(end - position), bytes.size());
      bytes = bytes.subspan(held);
      position += static_cast<int64_t>(held);
    }
  }
  while (!bytes.empty()) {
    next = stream.waiting.lower_bound(position);
    const size_t room = next == stream.waiting.end() ? bytes.size() : static_cast<size_t>(next->first - position);
    const size_t count = std::min(room, bytes.size());
    const size_t held = next == stream.waiting.end() ? 0 : std::min(next->second.size(), bytes.size() - count);
    if (count != 0 && !KeepPiece(stream, position, bytes.first(count))) {
      return false;
    }
    bytes = bytes.subspan(count + held);
    position += static_cast<int64_t>(count + held);
  }
  return true;
}

bool Reassembler::KeepPiece(Stream& stream, int64_t position, Bytes bytes) {
  const size_t cost = bytes.size() + kPieceBytes;
  if (cost > limits_.max_bytes - std::min(limits_.max_bytes, buffered_bytes_)) {
    return false;
  }
  stream.waiting.emplace(position, std::vector<uint8_t>(bytes.begin(), bytes.end()));
  stream.charged_bytes += cost;
  buffered_bytes_ += cost;
  return true;
}

bool Reassembler::Advance(Stream& stream) {
  if (!stream.active) {
    return true;
  }
  while (!stream.waiting.empty() && stream.waiting.begin()->first <= stream.next) {
    const auto node = stream.waiting.extract(stream.waiting.begin());
    const Bytes piece(node.mapped());
    const size_t cost = piece.size() + kPieceBytes;
    stream.charged_bytes -= cost;
    buffered_bytes_ -= cost;
    const auto seen = std::min(static_cast<size_t>(stream.next - node.key()), piece.size());
    stream.next += static_cast<int64_t>(piece.size() - seen);
    stream.progress = now_;
    if (!Consume(stream, piece.subspan(seen))) {
      return false;
    }
  }
  return true;
}

bool Reassembler::Consume(Stream& stream, Bytes bytes) {
  while (!bytes.empty()) {
    if (stream.frame_left != 0) {
      bytes = bytes.subspan(ConsumeFrame(stream, bytes));
      continue;
    }
    bytes = bytes.subspan(ConsumeHeader(stream, bytes));
    if (stream.header_have == stream.header.size() && !BeginFrame(stream)) {
      return false;
    }
  }
  return true;
}

size_t Reassembler::ConsumeHeader(Stream& stream, Bytes bytes) {
  const size_t count = std::min(stream.header.size() - stream.header_have, bytes.size());
  std::copy_n(bytes.begin(), count, stream.header.begin() + static_cast<std::ptrdiff_t>(stream.header_have));
  stream.header_have += count;
  return count;
}

size_t Reassembler::ConsumeFrame(Stream& stream, Bytes bytes) {
  const size_t count = std::min<size_t>(stream.frame_left, bytes.size());
  if (stream.copying) {
    SendPart(stream, stream.frame_bytes - stream.frame_left, bytes.first(count));
  }
  stream.frame_left -= static_cast<uint32_t>(count);
  return count;
}

bool Reassembler::BeginFrame(Stream& stream) {
  const FrameHeader header = protocol::dubbo::ParseHeader(stream.header);
  stream.header_have = 0;
  if (header.status != FrameStatus::kFrame) {
    return false;
  }
  stream.frame_bytes = static_cast<uint32_t>(header.frame_bytes);
  stream.frame_left = stream.frame_bytes;
  stream.copying = false;
  if (header.kind == MessageKind::kRequest || header.kind == MessageKind::kOneway) {
    BeginRequest(stream);
  }
  stream.frame_left -= static_cast<uint32_t>(stream.header.size());
  return true;
}

void Reassembler::BeginRequest(Stream& stream) {
  ++stream.request;
  stream.draw = static_cast<uint32_t>(random_());
  if (stream.frame_bytes > limits_.max_request_bytes) {
    observer_.OnStreamRequest(StreamRequest::kTooBig);
  } else if (stream.draw >= observer_.ThresholdOf(stream.flow.destination)) {
    observer_.OnStreamRequest(StreamRequest::kNotSampled);
  } else {
    observer_.OnStreamRequest(StreamRequest::kSampled);
    stream.copying = true;
    SendPart(stream, 0, stream.header);
  }
}

void Reassembler::SendPart(const Stream& stream, uint32_t offset, Bytes bytes) {
  CapturedPart part;
  part.flow_id = stream.flow_id;
  part.flow = stream.flow;
  part.time_ns = stream.time_ns;
  part.request = stream.request;
  part.draw = stream.draw;
  part.frame_bytes = stream.frame_bytes;
  part.offset = offset;
  part.bytes = bytes;
  assembler_.Take(part, now_);
}

void Reassembler::Cut(uint64_t flow_id, const Flow& flow, CutReason reason) {
  CapturedPart cut;
  cut.flow_id = flow_id;
  cut.flow = flow;
  cut.is_cut = true;
  cut.cut = reason;
  assembler_.Take(cut, now_);
}

void Reassembler::TellIfMended(Stream& stream) {
  if (stream.active && stream.waiting.empty() && stream.mended_holes != stream.holes) {
    stream.mended_holes = stream.holes;
    observer_.OnMended(stream.flow, stream.flow_id, stream.holes, Content::kDubbo);
  }
}

void Reassembler::Expire(TimePoint now) {
  now_ = now;
  for (auto position = streams_.begin(); position != streams_.end();) {
    const auto current = position++;
    const Stream& stream = current->second;
    const bool has_hole = !stream.active || !stream.waiting.empty();
    if (now - stream.progress > (has_hole ? limits_.max_hole : limits_.max_idle)) {
      GiveUp(current);
    }
  }
}

void Reassembler::GiveUp(StreamMap::iterator position) {
  const Stream& stream = position->second;
  if (stream.active) {
    Cut(stream.flow_id, stream.flow, CutReason::kGap);
    observer_.OnGivenUp(stream.flow, stream.flow_id);
  }
  Erase(position);
}

void Reassembler::Erase(StreamMap::iterator position) {
  buffered_bytes_ -= position->second.charged_bytes;
  streams_.erase(position);
}

}  // namespace rpctee::stream
