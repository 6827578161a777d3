#include "stream/flow_stream.h"

#include <algorithm>

namespace rpctee::stream {

using Start = CapturedStream::Start;

FlowStream::FlowStream(RequestSink& sink, MemoryBudget& budget, uint32_t max_join_bytes, const CapturedStream& record)
    : requests_(sink, record.flow_id, record.flow),
      order_(budget, record.seq),
      budget_(budget),
      max_join_bytes_(max_join_bytes) {}

FlowStream::Verdict FlowStream::Begin(const CapturedStream& record) {
  started_ = true;
  requests_.SetTime(record.time_ns);
  order_.StartAt(record.seq);
  switch (record.start) {
    case Start::kFrame:
      requests_.GoOnAfter(record.request, record.draw);
      content_ = record.protocol;
      if (!work_.emplace<StreamFramer>(requests_, content_).GoOn(record)) {
        return Verdict::kGiveUp;
      }
      break;
    case Start::kFirstByte:
      work_.emplace<FirstBytes>();
      break;
    case Start::kUnknown:
      work_ = std::make_unique<JoinSearch>(budget_, max_join_bytes_);
      break;
  }
  return ConsumeAll({});
}

FlowStream::Verdict FlowStream::Take(const CapturedStream& data) {
  requests_.SetTime(data.time_ns);
  const std::optional<Bytes> in_order = order_.Take(data.seq, data.bytes);
  return in_order ? ConsumeAll(*in_order) : Verdict::kGiveUp;
}

FlowStream::Verdict FlowStream::ConsumeAll(Bytes bytes) {
  Verdict verdict = bytes.empty() ? Verdict::kGoOn : Consume(bytes);
  while (verdict == Verdict::kGoOn) {
    const std::optional<OrderedBytes::Piece> piece = order_.Next();
    if (!piece) {
      break;
    }
    verdict = Consume(piece->bytes());
  }
  return verdict;
}

FlowStream::Verdict FlowStream::Consume(Bytes bytes) {
  if (auto* first = std::get_if<FirstBytes>(&work_)) {
    return ConsumeFirstBytes(*first, bytes);
  }
  return is_joining() ? Follow(search()->Take(bytes)) : ConsumeFrames(bytes);
}

FlowStream::Verdict FlowStream::ConsumeFrames(Bytes bytes) {
  auto* framer = std::get_if<StreamFramer>(&work_);
  const bool are_frames = framer != nullptr ? framer->Consume(bytes) : std::get<MessageFramer>(work_).Consume(bytes);
  return are_frames ? Verdict::kGoOn : Verdict::kGiveUp;
}

FlowStream::Verdict FlowStream::ConsumeFirstBytes(FirstBytes& held, Bytes bytes) {
  const size_t count = std::min(held.bytes.size() - held.have, bytes.size());
  std::copy_n(bytes.begin(), count, held.bytes.begin() + held.have);
  held.have = static_cast<uint8_t>(held.have + count);
  const Content content = protocol::Recognise(Bytes(held.bytes).first(held.have));
  if (content == Content::kUnknown) {
    return Verdict::kGoOn;
  }
  const FirstBytes first = held;
  const Verdict verdict = StartFraming(content);
  if (verdict != Verdict::kGoOn) {
    return verdict;
  }
  const Verdict consumed = ConsumeFrames(Bytes(first.bytes).first(first.have));
  return consumed == Verdict::kGoOn ? ConsumeFrames(bytes.subspan(count)) : consumed;
}

FlowStream::Verdict FlowStream::Follow(JoinSearch::State state) {
  switch (state) {
    case JoinSearch::State::kSearching:
      return Verdict::kGoOn;
    case JoinSearch::State::kFailed:
      return Verdict::kGiveUp;
    case JoinSearch::State::kFound:
      break;
  }
  const Search search = std::move(std::get<Search>(work_));
  const Verdict verdict = StartFraming(search->protocol());
  return verdict == Verdict::kGoOn ? ConsumeFrames(search->found()) : verdict;
}

FlowStream::Verdict FlowStream::StartFraming(Content protocol) {
  content_ = protocol;
  switch (protocol) {
    case Content::kDubbo:
    case Content::kThriftFramed:
      work_.emplace<StreamFramer>(requests_, protocol);
      return Verdict::kGoOn;
    case Content::kThriftUnframed:
      work_.emplace<MessageFramer>(requests_, budget_);
      return Verdict::kGoOn;
    default:
      return Verdict::kIgnore;
  }
}

FlowStream::Verdict FlowStream::Settle() {
  return is_joining() && !has_hole() ? Follow(search()->Settle()) : Verdict::kGoOn;
}

FlowStream::Verdict FlowStream::SkipHole() {
  if (is_joining()) {
    // Nothing more will follow on what is held: as in a silence.
    (void)Follow(search()->Settle());
  }
  Cut(CutReason::kGap);
  work_ = std::make_unique<JoinSearch>(budget_, max_join_bytes_);
  order_.SkipHole();
  return ConsumeAll({});
}

void FlowStream::Cut(CutReason reason) {
  if (auto* messages = std::get_if<MessageFramer>(&work_)) {
    messages->Cut(reason);
  } else {
    requests_.Cut(reason);
  }
}

void FlowStream::Pause() {
  started_ = false;
  work_.emplace<FirstBytes>();
  order_.Pause();
}

}  // namespace rpctee::stream
