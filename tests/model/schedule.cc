#include "model/schedule.h"

#include <algorithm>

#include "support/dubbo_frames.h"

namespace rpctee::test {
namespace {

// A request's first bytes, which say that it is one and how long it is, are never altered.
constexpr size_t kHeadBytes = 32;
constexpr uint64_t kIdsOfAConnection = 100;
constexpr size_t kFrames = 256;
// What BPF_PROG_TEST_RUN takes in one packet is less than a page.
constexpr size_t kSegmentMaxBytes = 3'000;

// Made once: to make them anew would take most of the time of a schedule.
const std::vector<ByteVector>& Frames() {
  static const std::vector<ByteVector> frames = [] {
    std::mt19937 random(1);
    std::vector<ByteVector> made;
    for (size_t i = 0; i < kFrames; ++i) {
      made.push_back(DubboRequest(i, 230 + random() % (i % 10 == 0 ? 6'000 : 400)));
    }
    return made;
  }();
  return frames;
}

}  // namespace

Schedule::Schedule(std::mt19937& random, const Network& network) : random_(random) {
  const uint32_t count = 1 + Below(network.connections);
  connections_.reserve(count);
  for (uint32_t i = 0; i < count; ++i) {
    AddConnection(network);
  }
}

void Schedule::AddConnection(const Network& network) {
  std::vector<ByteVector> requests;
  for (uint32_t i = network.one_byte ? 1 + Below(2) : 2 + Below(12); i > 0; --i) {
    requests.push_back(Frames()[Below(network.one_byte ? 10 : kFrames)]);
  }
  const uint32_t first_seq = Percent(30) ? 0xffffffffU - Below(2'000) : static_cast<uint32_t>(random_());
  connections_.emplace_back(requests, 1 + connections_.size() * kIdsOfAConnection, first_seq);
  sent_to_ = 0;
  std::vector<Segment> segments = Cut(network);
  // Without a SYN between them, the bytes of two connections could not be told apart.
  if (connections_.size() == 1 && Percent(network.middle_percent)) {
    segments.erase(segments.begin(), segments.begin() + Below(segments.size()));
  } else {
    events_.push_back({.connection = connections_.size() - 1, .flags = kSyn, .shift = -1});
  }
  Disturb(network, segments);
  for (const Segment& segment : segments) {
    AddSegment(segment);
    if (Percent(network.keep_alive_percent)) {
      AddKeepAlive();
    }
    if (Percent(network.pause_percent)) {
      events_.push_back({.kind = Event::kPause, .connection = connections_.size() - 1});
    }
  }
  AddEnd();
}

// Some senders write one request at a time, so that most segments begin with one.
std::vector<Schedule::Segment> Schedule::Cut(const Network& network) {
  std::vector<Segment> segments;
  const bool at_heads = Percent(40);
  const auto& requests = connection().requests();
  size_t request = 0;
  for (size_t at = 0; at < connection().bytes().size();) {
    request += at == requests[request].to ? 1 : 0;
    const size_t length = network.one_byte ? 1 : 1 + Below(Percent(20) ? 20 : 900);
    const size_t end = at_heads ? requests[request].to : connection().bytes().size();
    const bool is_whole = at_heads && Percent(80) && !network.one_byte;
    const size_t to = std::min(end, at + (is_whole ? kSegmentMaxBytes : length));
    segments.push_back({at, to});
    at = to;
  }
  return segments;
}

// A connection that does not start late keeps its first segment where it is.
void Schedule::Disturb(const Network& network, std::vector<Segment>& segments) {
  const size_t kept = Percent(network.late_start_percent) ? 0 : 1;
  std::vector<Segment> sent(segments.begin(), segments.begin() + static_cast<std::ptrdiff_t>(kept));
  for (size_t i = kept; i < segments.size(); ++i) {
    if (Percent(network.loss_percent)) {
      continue;
    }
    sent.push_back(segments[i]);
    if (Percent(network.repeat_percent)) {
      // Again, with some of the bytes before it and some behind.
      const Segment& again = segments[Below(i + 1)];
      sent.push_back({again.from - std::min<size_t>(again.from, Below(50)),
                      std::min(connection().bytes().size(), again.to + Below(50)), Percent(network.alter_percent)});
    }
  }
  if (kept == 0 && !sent.empty()) {
    std::swap(sent.front(), sent[Below(std::min<size_t>(sent.size(), 6))]);
  }
  for (size_t i = kept; i < sent.size(); ++i) {
    if (Percent(network.reorder_percent)) {
      std::swap(sent[i], sent[std::min<size_t>(sent.size() - 1, i + 1 + Below(6))]);
    }
  }
  segments = std::move(sent);
}

ByteVector Schedule::Altered(const Segment& segment) {
  ByteVector bytes = Slice(connection().bytes(), segment.from, segment.to);
  for (const Connection::Request& request : connection().requests()) {
    for (size_t at = std::max(request.from + kHeadBytes, segment.from); at < std::min(request.to, segment.to); ++at) {
      bytes[at - segment.from] ^= 0x55;
    }
  }
  return bytes;
}

void Schedule::AddSegment(const Segment& segment) {
  Event event{.connection = connections_.size() - 1, .from = segment.from};
  event.bytes = segment.is_altered ? Altered(segment) : Slice(connection().bytes(), segment.from, segment.to);
  events_.push_back(std::move(event));
  sent_to_ = std::max(sent_to_, segment.to);
}

// As if all that was sent had been acknowledged: the byte before the next one, or none (RFC 9293, 3.8.4).
void Schedule::AddKeepAlive() {
  Event event{.connection = connections_.size() - 1, .from = sent_to_ - 1};
  event.bytes = Slice(connection().bytes(), sent_to_ - 1, sent_to_ - 1 + Below(2));
  events_.push_back(std::move(event));
}

void Schedule::AddEnd() {
  const uint32_t dice = Below(4);
  const bool ends_with_data = !events_.empty() && !events_.back().bytes.empty() &&
                              events_.back().connection == connections_.size() - 1 &&
                              events_.back().from + events_.back().bytes.size() == connection().bytes().size();
  if (dice == 0 && ends_with_data) {
    events_.back().flags |= kFin;
  } else if (dice < 3) {
    const uint8_t flags = dice == 2 ? kRst : kFin | kAck;
    events_.push_back({.connection = connections_.size() - 1, .from = sent_to_, .flags = flags});
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
