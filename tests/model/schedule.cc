#include "model/schedule.h"

#include <algorithm>

namespace rpctee::test {
namespace {

constexpr uint64_t kIdsOfAConnection = 100;
// What BPF_PROG_TEST_RUN takes in one packet is less than a page.
constexpr size_t kSegmentMaxBytes = 3'000;
constexpr int32_t kFarAway = 64 << 20;

}  // namespace

Schedule::Schedule(std::mt19937& random, const Network& network) : random_(random), network_(network) {
  const uint32_t count = 1 + Below(network.connections);
  connections_.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    AddConnection();
  }
}

void Schedule::AddConnection() {
  const uint32_t dice = Below(10);
  const Speech speech = dice < 6 ? Speech::kDubbo : dice < 8 ? Speech::kThriftFramed : Speech::kThriftUnframed;
  // No two of a port begin with the same number: the second would be taken for the first's SYN, come again.
  const auto number = static_cast<uint32_t>(connections_.size());
  const uint32_t first_seq = (Percent(30) ? 0xffffffffU - Below(2'000) : static_cast<uint32_t>(random_())) & ~7U;
  connections_.emplace_back(speech, 1 + connections_.size() * kIdsOfAConnection, first_seq | number);
  for (uint32_t i = network_.one_byte ? 1 + Below(2) : 2 + Below(12); i > 0; --i) {
    connection().Add(RandomRequest(random_, speech, network_.one_byte));
  }
  sent_to_ = 0;
  std::vector<Segment> segments = Cut();
  // Without a SYN between them, the bytes of two connections could not be told apart.
  was_opened_ = connections_.size() != 1 || !Percent(network_.middle_percent);
  if (was_opened_) {
    AddSyn(segments);
  } else {
    segments.erase(segments.begin(), segments.begin() + Below(segments.size()));
  }
  for (const Segment& segment : Disturb(segments)) {
    AddSegment(segment);
    AddBetween();
  }
  AddEnd();
}

size_t Schedule::Unplanted(size_t position) const {
  while (connections_.back().IsPlanted(position)) {
    ++position;
  }
  return position;
}

// Some senders write one request at a time, so that most segments begin with one.
std::vector<Schedule::Segment> Schedule::Cut() {
  std::vector<Segment> segments;
  const bool at_heads = Percent(40) && !network_.one_byte;
  const auto& requests = connection().requests();
  const size_t bytes = connection().bytes().size();
  size_t request = 0;
  for (size_t at = 0; at < bytes;) {
    request += at == requests[request].to ? 1 : 0;
    size_t length = network_.one_byte ? 1 : 1 + Below(Percent(20) ? 20 : 900);
    if (at_heads) {
      length = std::min(requests[request].to - at, Percent(80) ? kSegmentMaxBytes : length);
    }
    const size_t to = std::min(bytes, Unplanted(at + length));
    segments.push_back({at, to});
    at = to;
  }
  return segments;
}

// Again, with some of the bytes before it and some behind.
Schedule::Segment Schedule::Repetition(const Segment& segment) {
  const size_t from = segment.from - std::min<size_t>(segment.from, Below(50));
  const size_t to = std::min(connection().bytes().size(), segment.to + Below(50));
  return {Unplanted(from), Unplanted(to), Percent(network_.alter_percent)};
}

// A connection that does not start late keeps its first segment where it is.
std::vector<Schedule::Segment> Schedule::Disturb(const std::vector<Segment>& segments) {
  const size_t kept = Percent(network_.late_start_percent) ? 0 : 1;
  std::vector<Segment> sent;
  for (size_t i = 0; i < segments.size(); ++i) {
    if (i >= kept && Percent(network_.loss_percent)) {
      continue;
    }
    sent.push_back(segments[i]);
    if (Percent(network_.repeat_percent)) {
      sent.push_back(Repetition(segments[Below(i + 1)]));
    }
  }
  if (kept == 0 && !sent.empty()) {
    std::swap(sent.front(), sent[Below(std::min<size_t>(sent.size(), 6))]);
  }
  for (size_t i = kept; i < sent.size(); ++i) {
    if (Percent(network_.reorder_percent)) {
      std::swap(sent[i], sent[std::min<size_t>(sent.size() - 1, i + 1 + Below(6))]);
    }
  }
  return sent;
}

Schedule::Event Schedule::NewEvent(size_t from, size_t to) const {
  return {.connection = connections_.size() - 1, .from = from, .bytes = Slice(connections_.back().bytes(), from, to)};
}

// Now and then with data (RFC 7413), which then do not come again.
void Schedule::AddSyn(std::vector<Segment>& segments) {
  const bool has_data = Percent(5);
  Event syn = NewEvent(0, has_data ? segments.front().to : 0);
  syn.flags = kSyn;
  syn.shift = -1;
  sent_to_ = syn.bytes.size();
  if (has_data) {
    segments.erase(segments.begin());
  }
  events_.push_back(std::move(syn));
}

void Schedule::AddSegment(const Segment& segment) {
  Event event = NewEvent(segment.from, segment.to);
  const auto& requests = connection().requests();
  const bool ends_a_request =
      std::any_of(requests.begin(), requests.end(), [&](const auto& request) { return request.to == segment.to; });
  if (ends_a_request && Percent(90)) {
    event.flags |= kPsh;
  }
  if (segment.is_altered) {
    Alter(event);
  }
  events_.push_back(std::move(event));
  sent_to_ = std::max(sent_to_, segment.to);
}

void Schedule::Alter(Event& event) const {
  const size_t end = event.from + event.bytes.size();
  for (const Connection::Request& request : connections_.back().requests()) {
    const size_t from = std::max(request.from + kRequestHeadBytes, event.from);
    for (size_t at = from; at < std::min(request.to - kRequestTailBytes, end); ++at) {
      event.bytes[at - event.from] ^= 0x55;
    }
  }
}

void Schedule::AddBetween() {
  if (Percent(network_.keep_alive_percent) && sent_to_ != 0) {
    // The byte before the next one, or none (RFC 9293, 3.8.4).
    events_.push_back(NewEvent(sent_to_ - 1, sent_to_ - 1 + Below(2)));
  }
  if (Percent(network_.noise_percent)) {
    const bool is_syn = was_opened_ && Percent(50);
    Event noise = is_syn ? NewEvent(0, 0) : NewEvent(sent_to_, sent_to_);
    noise.flags = is_syn ? kSyn : kRst;  // the SYN again; a reset that no receiver heeds (RFC 5961)
    noise.shift = is_syn ? -1 : RandomDistance();
    events_.push_back(std::move(noise));
  }
  if (Percent(network_.pause_percent)) {
    events_.push_back({.kind = Event::kPause, .connection = connections_.size() - 1});
  }
}

// From where the receiver stands: out of its window or in it, never at the next byte.
int32_t Schedule::RandomDistance() {
  const int32_t distance = Percent(50) ? kFarAway : 2 + static_cast<int32_t>(Below(5'000));
  return Percent(50) ? distance : -distance;
}

void Schedule::AddEnd() {
  const uint32_t dice = Below(4);
  const bool ends_with_data = !events_.empty() && !events_.back().bytes.empty() &&
                              events_.back().connection == connections_.size() - 1 &&
                              events_.back().from + events_.back().bytes.size() == connection().bytes().size();
  if (dice == 0 && ends_with_data) {
    events_.back().flags |= kFin;
  } else if (dice < 3) {
    Event end = NewEvent(sent_to_, sent_to_);
    end.flags = dice == 2 ? kRst : kFin | kAck;
    // Nothing holds a FIN back behind the data before it. A reset is taken for the end as it comes.
    const bool is_early = dice == 1 && Percent(network_.reorder_percent) && events_.size() > 4;
    const size_t early = is_early ? Below(3) : 0;
    events_.insert(events_.end() - static_cast<std::ptrdiff_t>(early), std::move(end));
  }
}

size_t Schedule::ConnectionOf(uint64_t id) { return static_cast<size_t>((id - 1) / kIdsOfAConnection); }

std::string Schedule::Describe() const {
  std::string text;
  for (const Event& event : events_) {
    text += "connection " + std::to_string(event.connection) + ": ";
    text += event.kind == Event::kPause
                ? "pause\n"
                : std::to_string(event.from) + " to " + std::to_string(event.from + event.bytes.size()) + " flags " +
                      std::to_string(event.flags) + " seq " + std::to_string(SeqOf(event)) + "\n";
  }
  return text;
}

}  // namespace rpctee::test
