// Where the tap programs are attached, and who is there too, as plain data. Any thread; owns nothing.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

namespace rpctee::tap {

enum class Direction : uint8_t { kIngress, kEgress };
constexpr Direction Opposite(Direction direction) {
  return direction == Direction::kIngress ? Direction::kEgress : Direction::kIngress;
}

// The one that takes requests, and the one that counts their answers.
enum class Program : uint8_t { kRequests, kReplies };

// A direction of an interface, and which of our programs looks there.
struct Side {
  Direction direction;
  Program program;

  // Implicit: nearly all that is attached is for requests.
  Side(Direction which, Program what = Program::kRequests)  // NOLINT(google-explicit-constructor)
      : direction(which), program(what) {}
  auto operator<=>(const Side&) const = default;
};

enum class Hook : uint8_t { kTcx, kClsact };
// kAuto: tcx where the kernel has it (6.6), else clsact.
enum class AttachMode : uint8_t { kAuto, kTcx, kClsact };
// Where among the programs of a tcx hook (docs/adr/0008-first-at-the-tcx-hook.md).
enum class TcxOrder : uint8_t { kFirst, kLast };

// Somebody else's program that each packet meets before ours. By its verdict it may end there, unseen by us.
struct Neighbour {
  Hook hook = Hook::kTcx;
  uint32_t priority = 0;    // clsact only
  uint32_t handle = 0;      // clsact only
  uint32_t program_id = 0;  // 0: a filter that is no BPF program
  std::string name;         // empty when the kernel does not tell it

  bool operator==(const Neighbour&) const = default;
  // "clsact filter at priority 7, handle 0x1 (drop_some)", "tcx program 42 (drop_some)".
  std::string ToString() const;
};

struct Attachment {
  uint32_t ifindex = 0;
  std::string interface;
  Side side = Direction::kEgress;
  Hook hook = Hook::kTcx;
  std::vector<Neighbour> ahead;  // in the order in which packets meet them

  bool operator==(const Attachment&) const = default;
};

// What has become of an attachment.
enum class Presence : uint8_t {
  kAttached,
  kRemoved,        // someone took it away
  kReplaced,       // someone put another program in its place
  kInterfaceGone,  // with all that was attached there
};

struct Sighting {
  Presence presence = Presence::kRemoved;
  std::vector<Neighbour> ahead;  // when it is attached
};

}  // namespace rpctee::tap
