#include "native/native_backend.h"

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <algorithm>
#include <cstring>

#include "base/clock.h"

// The program itself, from tap.c.
extern "C" {
extern volatile uint32_t cfg_max_request_bytes;
extern volatile uint32_t cfg_socket_mark;
extern volatile uint32_t cfg_rings;
extern volatile uint32_t cfg_replies;
int rpctee_tap(__sk_buff* skb);
int rpctee_tap_old(__sk_buff* skb);
int rpctee_reply(__sk_buff* skb);
int rpctee_reply_old(__sk_buff* skb);
}

namespace rpctee::test {
namespace {

constexpr uint32_t kZero = 0;
constexpr uint32_t kLoopback = 1;  // the interface that BPF_PROG_TEST_RUN takes

// As the kernel's eth_type_trans() finds it: below 0x600 it is a length, of 802.3 or 802.2 content.
uint16_t ProtocolOf(Bytes packet) {
  const auto field = static_cast<uint16_t>(packet[12] << 8 | packet[13]);
  if (field >= ETH_P_802_3_MIN) {
    return htons(field);
  }
  const bool is_raw = packet.size() >= ETH_HLEN + 2 && packet[14] == 0xff && packet[15] == 0xff;
  return htons(is_raw ? ETH_P_802_3 : ETH_P_802_2);
}

__sk_buff ContextOf(Bytes packet, const PacketContext& given) {
  __sk_buff context{};
  context.len = static_cast<uint32_t>(packet.size());
  context.wire_len = context.len;
  context.protocol = ProtocolOf(packet);
  context.ifindex = kLoopback;
  context.ingress_ifindex = kLoopback;
  context.mark = given.mark;
  context.priority = given.priority;
  std::copy(given.cb.begin(), given.cb.end(), context.cb);
  context.tstamp = given.tstamp;
  return context;
}

}  // namespace

NativeBackend::NativeBackend(const TapProgramOptions& options)
    : options_(options),
      machine_(options.ring_bytes),
      program_(WantsOldProgram() ? rpctee_tap_old : rpctee_tap),
      reply_program_(WantsOldProgram() ? rpctee_reply_old : rpctee_reply) {}

bool NativeBackend::Update(const char* map, const void* key, const void* value) {
  native::Map* const found = machine_.FindMap(map);
  return found != nullptr && found->Update(key, value, BPF_ANY) == 0;
}

bool NativeBackend::Lookup(const char* map, const void* key, void* value) const {
  native::Map* const found = machine_.FindMap(map);
  const void* const element = found == nullptr ? nullptr : found->Lookup(key);
  if (element == nullptr) {
    return false;
  }
  std::memcpy(value, element, found->value_bytes());
  return true;
}

rpctee_counters NativeBackend::Counters() const {
  rpctee_counters counters{};
  Lookup("rpctee_counters", &kZero, &counters);
  return counters;
}

RunResult NativeBackend::RunProgram(Program program, Bytes bytes, const PacketContext& given) {
  RunResult result;
  if (bytes.size() < ETH_HLEN) {
    result.refused = true;
    return result;
  }
  cfg_max_request_bytes = options_.max_request_bytes;
  cfg_socket_mark = options_.socket_mark;
  cfg_rings = options_.rings;
  cfg_replies = options_.replies ? 1 : 0;
  machine_.SetTime(time_ns_ != 0 ? time_ns_ : MonotonicNs());
  native::Packet packet{ContextOf(bytes, given), bytes};
  const __sk_buff before = packet.context;
  result.verdict = machine_.Run(program, packet);
  // The bytes can't change: the program never had their address.
  result.unchanged = std::memcmp(&before, &packet.context, sizeof(before)) == 0;
  return result;
}

void NativeBackend::Drain(uint32_t ring, const std::function<void(Bytes)>& take) {
  machine_.rings().at(ring)->Drain(take);
}

uint64_t NativeBackend::BytesTaken(uint32_t ring) const { return machine_.rings().at(ring)->Query(BPF_RB_PROD_POS); }

void NativeBackend::RefuseRecords(bool refuses) {
  for (native::RingMap* const ring : machine_.rings()) {
    ring->Refuse(refuses);
  }
}

}  // namespace rpctee::test
