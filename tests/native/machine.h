// What the tap program finds around it when it runs natively: its maps, a clock, random numbers, the packet.
//
// One thread for all machines: the program's maps are global objects of this process, which stand for those of the
// machine that runs. What maps there are is read from the BPF object itself, so one that is added to the program is
// here without a word.
#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/byte_reader.h"
#include "native/maps.h"

struct bpf_map;

namespace rpctee::test::native {

// What the program gets: it reads the context, which comes first, and the helpers read the bytes.
struct Packet {
  __sk_buff context{};
  Bytes bytes;
};

class Machine {
 public:
  explicit Machine(size_t ring_bytes);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // Empty, or why the program can't run here.
  const std::string& error() const { return error_; }
  // Null when the program has no such map.
  Map* FindMap(const std::string& name) const;
  const std::vector<RingMap*>& rings() const { return rings_; }

  // Runs a program and returns its verdict.
  int Run(int (*program)(__sk_buff*), Packet& packet);
  // As freshly loaded, but for what only the agent writes.
  void Forget();

  void SetTime(uint64_t time_ns) { time_ns_ = time_ns; }
  void SetDraws(std::function<uint32_t()> draws) { draws_ = std::move(draws); }
  // Helpers that the program called and loops that it went through so far: its work, on any machine.
  uint64_t steps() const { return steps_; }

  // For the helpers: the machine that runs. Each call is a step.
  static Machine& Running();
  uint64_t time_ns() const { return time_ns_; }
  uint32_t Draw() const { return draws_(); }

 private:
  void AddMap(const bpf_map* declared, size_t ring_bytes);

  std::string error_;
  std::map<std::string, std::unique_ptr<Map>> maps_;
  // The program's objects, whose first word is made the address of the map.
  std::vector<std::pair<Map**, Map*>> symbols_;
  std::vector<RingMap*> rings_;
  uint64_t time_ns_ = 1;
  std::function<uint32_t()> draws_;
  uint64_t steps_ = 0;
};

}  // namespace rpctee::test::native
