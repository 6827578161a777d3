// Endless traffic for a tap under test, in batches that are each a function of the seed and their number: sessions side
// by side, some of their packets damaged at any layer, and what the agent does meanwhile.
//
// One thread.
#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "bpf/differential/contents.h"
#include "bpf/tap_backend.h"
#include "support/packet_builder.h"

namespace rpctee::test {

struct Step {
  enum Kind : uint8_t {
    kPacket,
    kDrain,           // the agent takes the records out
    kHandBack,        // and says that it has mended the flow of the last one
    kGiveUp,          // or that it has not
    kAsleep,          // the agent goes to sleep
    kHeartbeatStale,  // the agent is gone
    kJoinsSpent,      // until the next heartbeat no flow may ask the agent for a boundary
    kGoOn,            // that it took what came
    kIgnore,          // that the connection is to be passed over
    kHeartbeatFresh,
  };
  Kind kind = kPacket;
  ByteVector packet = {};
  PacketContext context = {};
};

inline constexpr uint32_t kOwnMark = 0x1234;

class Traffic {
 public:
  explicit Traffic(uint64_t seed);
  // Has about so many packets.
  std::vector<Step> Batch(uint64_t number, size_t packets) const;

 private:
  uint64_t seed_;
  std::vector<Content> contents_;
};

}  // namespace rpctee::test
