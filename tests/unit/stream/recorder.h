// What an assembler said, kept for tests.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "stream/assembler.h"

namespace rpctee::stream {

struct Recorder : AssemblerObserver {
  struct Copy {
    uint64_t flow_id;
    uint32_t draw;
    uint64_t time_ns;
    std::vector<uint8_t> bytes;
    const uint8_t* where;
  };

  void OnFirstPart() override { ++first_parts; }
  void OnFrame(const Frame& frame) override {
    frames.push_back(
        {frame.flow_id, frame.draw, frame.time_ns, {frame.bytes.begin(), frame.bytes.end()}, frame.bytes.data()});
  }
  void OnLost(LostReason reason) override {
    ++losses;
    ++lost[reason];
  }

  size_t first_parts = 0;
  size_t losses = 0;
  std::vector<Copy> frames;
  std::map<LostReason, size_t> lost;
};

}  // namespace rpctee::stream
