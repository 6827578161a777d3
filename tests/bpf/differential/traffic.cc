#include "bpf/differential/traffic.h"

#include <algorithm>
#include <array>

#include "bpf/differential/session.h"

namespace rpctee::test {
namespace {

constexpr size_t kContents = 400;
constexpr size_t kSessionsAtATime = 6;
constexpr size_t kEthernetBytes = 14;

uint32_t Below(std::mt19937& random, size_t limit) { return static_cast<uint32_t>(random() % limit); }
bool OneIn(std::mt19937& random, uint32_t count) { return Below(random, count) == 0; }

template <size_t size>
uint32_t AnyOf(std::mt19937& random, const std::array<uint32_t, size>& values) {
  return values.at(Below(random, size));
}

// Where the IP header stands, for packets with what tags sessions give them.
size_t IpOffset(const ByteVector& packet) {
  size_t at = kEthernetBytes;
  while (at + 4 < packet.size() && packet[at - 2] == 0x81) {
    at += 4;
  }
  return at;
}

void FlipBit(std::mt19937& random, ByteVector& packet, size_t from, size_t to) {
  const size_t end = std::min(to, packet.size());
  if (from < end) {
    packet[from + Below(random, end - from)] ^= static_cast<uint8_t>(1 << Below(random, 8));
  }
}

void AddTo(ByteVector& packet, size_t at, uint32_t bytes, uint32_t amount) {
  for (size_t i = at + bytes; i-- > at && i < packet.size();) {
    amount += packet[i];
    packet[i] = static_cast<uint8_t>(amount);
    amount >>= 8;
  }
}

void DamageIp(std::mt19937& random, ByteVector& packet, size_t ip) {
  constexpr std::array<uint32_t, 8> kSmall = {1, 2, 20, 40, 0xffff, 0xfffe, 0xffd8, 0xff00};
  const bool is_v4 = packet[ip] >> 4 == 4;
  switch (Below(random, 6)) {
    case 0:
      packet[ip] = static_cast<uint8_t>(random());  // version, header length
      break;
    case 1:
      AddTo(packet, ip + (is_v4 ? 2 : 4), 2, AnyOf(random, kSmall));  // length
      break;
    case 2:
      packet[ip + (is_v4 ? 2 : 4)] = packet[ip + (is_v4 ? 3 : 5)] = 0;  // as in BIG TCP
      break;
    case 3:
      packet[ip + (is_v4 ? 9 : 6)] = static_cast<uint8_t>(AnyOf(random, std::array<uint32_t, 6>{0, 6, 17, 43, 44, 60}));
      break;
    case 4:
      FlipBit(random, packet, ip + 6, ip + 8);  // fragment, or next header
      break;
    default:
      FlipBit(random, packet, ip, ip + 60);
  }
}

// For sessions with neither options nor extensions, which are most; for the others it hits something else.
void DamageTcp(std::mt19937& random, ByteVector& packet, size_t ip) {
  constexpr std::array<uint32_t, 12> kJumps = {1,       0xffffffff,  1'000,      0xffffff00, 4 << 20,    (4 << 20) + 1,
                                               5 << 20, 0xfc000000U, 0xfbffffff, 0x7fffffff, 0x80000000, 0x10000};
  const size_t tcp = ip + (packet[ip] >> 4 == 4 ? 20 : 40);
  switch (Below(random, 5)) {
    case 0:
      AddTo(packet, tcp + 4, 4, OneIn(random, 3) ? static_cast<uint32_t>(random()) : AnyOf(random, kJumps));
      break;
    case 1:
      packet[tcp + 12] = static_cast<uint8_t>(random());  // header length
      break;
    case 2:
      packet[tcp + 13] = static_cast<uint8_t>(random());  // flags
      break;
    case 3:
      FlipBit(random, packet, tcp, tcp + 4);  // ports
      break;
    default:
      FlipBit(random, packet, tcp, tcp + 20);
  }
}

void DamageLength(std::mt19937& random, ByteVector& packet) {
  if (OneIn(random, 2)) {
    packet.resize(packet.size() + 1 + Below(random, 60), 0);
  } else {
    packet.resize(kEthernetBytes + Below(random, packet.size() - kEthernetBytes));
  }
}

// The bytes of payload where a message's header most likely stands, or any.
void DamagePayload(std::mt19937& random, ByteVector& packet, size_t ip) {
  const size_t payload = ip + (packet[ip] >> 4 == 4 ? 40 : 60);
  FlipBit(random, packet, payload, OneIn(random, 3) ? packet.size() : payload + 24);
}

void DamageEthernet(std::mt19937& random, ByteVector& packet) {
  constexpr std::array<uint32_t, 7> kTypes = {0x0800, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x0100, 0x0005};
  if (OneIn(random, 2)) {
    const auto tag =
        OneIn(random, 2) ? std::array<uint8_t, 4>{0x81, 0, 0, 5} : std::array<uint8_t, 4>{0x88, 0xa8, 0, 6};
    packet.insert(packet.begin() + 12, tag.begin(), tag.end());
    return;
  }
  const uint32_t type = AnyOf(random, kTypes);
  packet[12] = static_cast<uint8_t>(type >> 8);
  packet[13] = static_cast<uint8_t>(type);
}

void Damage(std::mt19937& random, ByteVector& packet) {
  const size_t ip = IpOffset(packet);
  const uint32_t dice = Below(random, 100);
  if (packet.size() < ip + 60 || dice < 10) {
    DamageLength(random, packet);
  } else if (dice < 20) {
    DamageEthernet(random, packet);
  } else if (dice < 45) {
    DamageIp(random, packet, ip);
  } else if (dice < 75) {
    DamageTcp(random, packet, ip);
  } else {
    DamagePayload(random, packet, ip);
  }
}

PacketContext RandomContext(std::mt19937& random) {
  PacketContext context;
  if (OneIn(random, 10)) {
    context.mark = OneIn(random, 3) ? kOwnMark : static_cast<uint32_t>(random());
    context.priority = static_cast<uint32_t>(random());
    context.tstamp = random();
    for (uint32_t& word : context.cb) {
      word = static_cast<uint32_t>(random());
    }
  }
  return context;
}

// What the agent does between two packets, most often nothing.
void AddWordsOfTheAgent(std::mt19937& random, uint32_t drain_one_in, std::vector<Step>& steps) {
  if (OneIn(random, drain_one_in)) {
    const uint32_t dice = Below(random, 10);
    constexpr Step::Kind kWords[] = {Step::kHandBack, Step::kHandBack, Step::kHandBack, Step::kHandBack,
                                     Step::kHandBack, Step::kGiveUp,   Step::kGoOn,     Step::kIgnore,
                                     Step::kDrain,    Step::kDrain};
    steps.push_back({.kind = kWords[dice]});
  }
  if (OneIn(random, 100)) {
    steps.push_back({.kind = Step::kAsleep});
  }
  if (OneIn(random, 1'000)) {
    steps.push_back({.kind = Step::kHeartbeatStale});
  } else if (OneIn(random, 100)) {
    steps.push_back({.kind = Step::kJoinsSpent});
  } else if (OneIn(random, 20)) {
    steps.push_back({.kind = Step::kHeartbeatFresh});
  }
}

}  // namespace

Traffic::Traffic(uint64_t seed) : seed_(seed) {
  std::seed_seq mixed{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)};
  std::mt19937 random(mixed);
  for (size_t i = 0; i < kContents; ++i) {
    contents_.push_back(RandomContent(random));
  }
}

std::vector<Step> Traffic::Batch(uint64_t number, size_t packets) const {
  std::seed_seq mixed{static_cast<uint32_t>(seed_), static_cast<uint32_t>(seed_ >> 32), static_cast<uint32_t>(number)};
  std::mt19937 random(mixed);
  // An agent that is slow now and then, so that the ring gets full.
  const uint32_t drain_one_in = AnyOf(random, std::array<uint32_t, 4>{5, 20, 50, 500});
  const uint32_t damage_one_in = AnyOf(random, std::array<uint32_t, 4>{3, 8, 30, 1'000});
  std::array<std::vector<ByteVector>, kSessionsAtATime> sessions;  // each last packet first
  std::vector<Step> steps;
  for (size_t i = 0; i < packets; ++i) {
    std::vector<ByteVector>& session = sessions.at(Below(random, kSessionsAtATime));
    while (session.empty()) {
      session = RandomSession(random, contents_[Below(random, contents_.size())]);
      std::reverse(session.begin(), session.end());
    }
    AddWordsOfTheAgent(random, drain_one_in, steps);
    steps.push_back({Step::kPacket, std::move(session.back()), RandomContext(random)});
    session.pop_back();
    if (OneIn(random, damage_one_in)) {
      Damage(random, steps.back().packet);
    }
  }
  return steps;
}

}  // namespace rpctee::test
