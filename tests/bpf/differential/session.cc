#include "bpf/differential/session.h"

#include <algorithm>
#include <string>

#include "support/packet_template.h"

namespace rpctee::test {
namespace {

constexpr uint32_t kPorts = 40;

uint32_t Below(std::mt19937& random, uint32_t limit) { return static_cast<uint32_t>(random() % limit); }
bool Percent(std::mt19937& random, uint32_t percent) { return Below(random, 100) < percent; }

const char* DestinationOf(std::mt19937& random, size_t family) {
  const uint32_t dice = Below(random, 100);
  if (dice < 80) {
    return kSampledAddresses[family];
  }
  if (dice < 92) {
    return kUnsampledAddresses[family];
  }
  return dice < 97 ? kPortAloneAddresses[family] : kOtherAddresses[family];
}

PacketTemplate RandomHeaders(std::mt19937& random) {
  const size_t family = Below(random, 2);
  const std::string source =
      std::string(family == 0 ? "10.0.0.1:" : "[fd00::1]:") + std::to_string(40'000 + Below(random, kPorts));
  TcpPacket packet(source, DestinationOf(random, family));
  for (uint32_t tags = Percent(random, 15) ? 1 + Below(random, 2) : 0; tags > 0; --tags) {
    packet.Vlan(5);
  }
  packet.TcpOptions(Percent(random, 40) ? 4 * Below(random, 11) : 0);
  if (family == 0 && Percent(random, 10)) {
    packet.Ipv4Options(4 * Below(random, 11));
  }
  for (uint32_t i = family == 0 || !Percent(random, 20) ? 0 : Below(random, 8); i > 0; --i) {
    packet.Ipv6Extension(Percent(random, 50) ? kHopByHop : kDestinationOptions, 8 * (1 + Below(random, 3)));
  }
  return PacketTemplate(packet);
}

struct Segment {
  size_t from;
  size_t to;
  uint8_t flags = kAck;
};

// Messages one by one or a few at a time, as most clients write them; or cut without regard to them.
std::vector<Segment> Cut(std::mt19937& random, const Content& content, size_t start) {
  std::vector<Segment> segments;
  const bool at_heads = Percent(random, 50);
  const bool small = Percent(random, 10);
  for (size_t at = start; at < content.bytes.size();) {
    size_t to = at + 1 + Below(random, small || Percent(random, 15) ? 20 : 1'400);
    if (at_heads && Percent(random, 90)) {
      to = at + (Percent(random, 30) ? 1 + Below(random, 2'000) : 1);
      to = *std::lower_bound(content.heads.begin(), content.heads.end() - 1, to);
      to = to <= at ? content.bytes.size() : to;
    }
    to = std::min({to, content.bytes.size(), at + 3'000});
    segments.push_back({at, to});
    at = to;
  }
  return segments;
}

// Loses, repeats and overlaps some of them, and changes their order.
std::vector<Segment> Disturb(std::mt19937& random, const std::vector<Segment>& segments, size_t bytes) {
  const uint32_t loss = Percent(random, 30) ? Below(random, 10) : 0;
  const uint32_t repeat = Percent(random, 40) ? Below(random, 25) : 0;
  const uint32_t reorder = Percent(random, 40) ? Below(random, 30) : 0;
  std::vector<Segment> sent;
  for (size_t i = 0; i < segments.size(); ++i) {
    if (!Percent(random, loss)) {
      sent.push_back(segments[i]);
    }
    if (Percent(random, repeat)) {
      const Segment& again = segments[Below(random, static_cast<uint32_t>(i) + 1)];
      sent.push_back({again.from - std::min<size_t>(again.from, Below(random, 50)),
                      std::min(bytes, again.to + Below(random, 50))});
    }
  }
  for (size_t i = 0; i + 1 < sent.size(); ++i) {
    if (Percent(random, reorder)) {
      std::swap(sent[i], sent[std::min<size_t>(sent.size() - 1, i + 1 + Below(random, 5))]);
    }
  }
  return sent;
}

size_t StartOf(std::mt19937& random, const Content& content) {
  const uint32_t dice = Below(random, 10);
  if (dice < 8) {
    return 0;
  }
  return dice == 8 ? content.heads[Below(random, static_cast<uint32_t>(content.heads.size()))]
                   : Below(random, static_cast<uint32_t>(content.bytes.size()));
}

}  // namespace

std::vector<ByteVector> RandomSession(std::mt19937& random, const Content& content) {
  const PacketTemplate headers = RandomHeaders(random);
  const uint32_t first = Percent(random, 20) ? 0xffffffff - Below(random, 3'000) : static_cast<uint32_t>(random());
  const size_t start = StartOf(random, content);
  std::vector<Segment> segments = Disturb(random, Cut(random, content, start), content.bytes.size());
  std::vector<ByteVector> packets;
  if (start == 0 && Percent(random, 75)) {
    packets.push_back(headers.Packet(first - 1, kSyn, {}));
  }
  if (!segments.empty() && Percent(random, 40)) {
    segments.back().flags |= kFin;
  }
  for (const Segment& segment : segments) {
    const auto seq = first + static_cast<uint32_t>(segment.from);
    const Bytes payload = Bytes(content.bytes).subspan(segment.from, segment.to - segment.from);
    packets.push_back(headers.Packet(seq, segment.flags, payload));
    if (Percent(random, 2)) {
      // Keep-alive, with or without its byte (RFC 9293, 3.8.4), or an acknowledgement.
      packets.push_back(headers.Packet(seq - Below(random, 2), kAck, Bytes(content.bytes).first(Below(random, 2))));
    }
  }
  if (Percent(random, 25)) {
    packets.push_back(headers.Packet(first + static_cast<uint32_t>(content.bytes.size()),
                                     Percent(random, 50) ? kRst : kFin | kAck, {}));
  }
  if (!packets.empty() && start == 0 && Percent(random, 5)) {
    packets.front() = headers.Packet(first - 1, kSyn, Bytes(content.bytes).first(20));  // data with the SYN
  }
  return packets;
}

}  // namespace rpctee::test
