#include "stream/flow_stream.h"

#include <algorithm>

namespace rpctee::stream {

using Start = CapturedStream::Start;

FlowStream::FlowStream(RequestSink& sink, MemoryBudget& budget, size_t max_join_bytes, const CapturedStream& record)
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
      framer_.emplace(requests_, content_);
      if (!framer_->GoOn(record)) {
        return Verdict::kGiveUp;
      }
      break;
    case Start::kFirstByte:
      break;
    case Start::kUnknown:
      search_ = std::make_unique<JoinSearch>(budget_, max_join_bytes_);
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
  if (framer_ || messages_ != nullptr) {
    return ConsumeFrames(bytes);
  }
  return search_ != nullptr ? Follow(search_->Take(bytes)) : ConsumeFirstBytes(bytes);
}

FlowStream::Verdict FlowStream::ConsumeFrames(Bytes bytes) {
  const bool are_frames = framer_ ? framer_->Consume(bytes) : messages_->Consume(bytes);
  return are_frames ? Verdict::kGoOn : Verdict::kGiveUp;
}

FlowStream::Verdict FlowStream::ConsumeFirstBytes(Bytes bytes) {
  const size_t count = std::min(first_.size() - first_have_, bytes.size());
  std::copy_n(bytes.begin(), count, first_.begin() + static_cast<std::ptrdiff_t>(first_have_));
  first_have_ += count;
  const Bytes first = Bytes(first_).first(first_have_);
  const Content content = protocol::Recognise(first);
  if (content == Content::kUnknown) {
    return Verdict::kGoOn;
  }
  const Verdict verdict = StartFraming(content);
  if (verdict != Verdict::kGoOn) {
    return verdict;
  }
  const Verdict consumed = ConsumeFrames(first);
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
  const std::unique_ptr<JoinSearch> search = std::move(search_);
  const Verdict verdict = StartFraming(search->protocol());
  return verdict == Verdict::kGoOn ? ConsumeFrames(search->found()) : verdict;
}

FlowStream::Verdict FlowStream::StartFraming(Content protocol) {
  content_ = protocol;
  switch (protocol) {
    case Content::kDubbo:
    case Content::kThriftFramed:
      framer_.emplace(requests_, protocol);
      return Verdict::kGoOn;
    case Content::kThriftUnframed:
      messages_ = std::make_unique<MessageFramer>(requests_, budget_);
      return Verdict::kGoOn;
    default:
      return Verdict::kIgnore;
  }
}

FlowStream::Verdict FlowStream::Settle() {
  return is_joining() && !has_hole() ? Follow(search_->Settle()) : Verdict::kGoOn;
}

FlowStream::Verdict FlowStream::SkipHole() {
  if (search_ != nullptr) {
    // Nothing more will follow on what is held: as in a silence.
    (void)Follow(search_->Settle());
  }
  Cut(CutReason::kGap);
  framer_.reset();
  messages_.reset();
  first_have_ = first_.size();  // the connection's first bytes are not to be had any more
  search_ = std::make_unique<JoinSearch>(budget_, max_join_bytes_);
  order_.SkipHole();
  return ConsumeAll({});
}

void FlowStream::Cut(CutReason reason) { messages_ != nullptr ? messages_->Cut(reason) : requests_.Cut(reason); }

void FlowStream::Pause() {
  started_ = false;
  framer_.reset();
  order_.Pause();
}

}  // namespace rpctee::stream
