// Where the tap program can be attached, as plain data. Any thread; owns nothing.
#pragma once

#include <cstdint>
#include <string>

namespace rpctee::tap {

enum class Direction : uint8_t { kIngress, kEgress };
enum class Hook : uint8_t { kTcx, kClsact };
// kAuto: tcx where the kernel has it (6.6), else clsact.
enum class AttachMode : uint8_t { kAuto, kTcx, kClsact };

struct Attachment {
  uint32_t ifindex = 0;
  std::string interface;
  Direction direction = Direction::kEgress;
  Hook hook = Hook::kTcx;
};

}  // namespace rpctee::tap
