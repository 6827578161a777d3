// What happens on one port, in order: connections one after the other, the segments of each as a network brings them,
// and pauses.
//
// A function of the random numbers that it is given. One thread; a plain value.
#pragma once

#include <cstdint>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "model/connection.h"

namespace rpctee::test {

// How a network treats segments. Percentages are of segments, where nothing else is said.
struct Network {
  std::string_view name;
  uint32_t reorder_percent = 0;
  uint32_t repeat_percent = 0;
  uint32_t loss_percent = 0;   // lost for good: the receiver never gets it either, and the connection goes on
  uint32_t alter_percent = 0;  // of the repetitions: with other bytes
  uint32_t keep_alive_percent = 0;
  uint32_t noise_percent = 0;  // segments that mean nothing to the receiver
  uint32_t pause_percent = 0;
  uint32_t late_start_percent = 0;  // of connections: the first segments come later than others
  uint32_t middle_percent = 0;      // of first connections: the tap was not there when they began
  uint32_t connections = 1;         // at most, on the same port
  bool one_byte = false;            // segments of one byte each
  uint32_t rarity = 1;              // one schedule where others have so many
};

// For messages of tests.
inline void PrintTo(const Network& network, std::ostream* out) { *out << network.name; }

class Schedule {
 public:
  struct Event {
    enum Kind : uint8_t { kSegment, kPause } kind = kSegment;
    size_t connection = 0;
    size_t from = 0;  // in the connection's bytes
    ByteVector bytes = {};
    uint8_t flags = kAck;
    int32_t shift = 0;  // of the sequence number
  };

  Schedule(std::mt19937& random, const Network& network);

  std::vector<Connection>& connections() { return connections_; }
  const std::vector<Event>& events() const { return events_; }
  uint32_t SeqOf(const Event& event) const {
    return connections_[event.connection].SeqOf(event.from) + static_cast<uint32_t>(event.shift);
  }
  // Of the request with this id; may be one that there is not.
  static size_t ConnectionOf(uint64_t id);
  // For messages: one line for each event.
  std::string Describe() const;

 private:
  struct Segment {
    size_t from;
    size_t to;
    bool is_altered = false;
  };

  uint32_t Below(size_t limit) { return static_cast<uint32_t>(random_() % limit); }
  bool Percent(uint32_t percent) { return percent != 0 && Below(100) < percent; }
  Connection& connection() { return connections_.back(); }
  // No segment may end where a planted request does: a little further.
  size_t Unplanted(size_t position) const;

  void AddConnection();
  std::vector<Segment> Cut();
  std::vector<Segment> Disturb(const std::vector<Segment>& segments);
  Segment Repetition(const Segment& segment);

  Event NewEvent(size_t from, size_t to) const;
  void AddSyn(std::vector<Segment>& segments);
  void AddSegment(const Segment& segment);
  void AddBetween();
  int32_t RandomDistance();
  void AddEnd();
  void Alter(Event& event) const;

  std::mt19937& random_;
  const Network& network_;
  std::vector<Connection> connections_;
  std::vector<Event> events_;
  size_t sent_to_ = 0;       // of the last connection: how far its segments reached
  bool was_opened_ = false;  // the last connection: its SYN was seen
};

}  // namespace rpctee::test
