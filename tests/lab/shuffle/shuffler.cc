#include "shuffler.h"

#include <algorithm>

namespace rpctee::shuffle {
namespace {

// Which way a packet goes: an order of its addresses that is the other way round for the answer.
bool GoesForth(Bytes packet) {
  const bool ipv6 = !packet.empty() && packet[0] >> 4 == 6;
  const size_t source = ipv6 ? 8 : 12;
  const size_t bytes = ipv6 ? 16 : 4;
  if (packet.size() < source + 2 * bytes) {
    return true;
  }
  const auto first = packet.begin() + static_cast<std::ptrdiff_t>(source);
  const auto middle = first + static_cast<std::ptrdiff_t>(bytes);
  return std::lexicographical_compare(first, middle, middle, middle + static_cast<std::ptrdiff_t>(bytes));
}

}  // namespace

bool Shuffler::Draw(double percent) { return std::uniform_real_distribution<double>(0, 100)(random_) < percent; }

void Shuffler::Take(Bytes packet, TimePoint now) {
  ++counts_.packets;
  // All three are drawn for each packet, so that a change of one share leaves the draws of the others.
  const bool lost = Draw(options_.loss_percent);
  const bool delayed = Draw(options_.delay_percent);
  const bool doubled = Draw(options_.double_percent);
  const bool forth = GoesForth(packet);
  if (lost) {
    ++counts_.lost;
    return;
  }
  // The second copy of a doubled packet takes the place of the first when that one waits.
  if (delayed) {
    Hold(packet, forth, now);
  }
  if (doubled) {
    ++counts_.doubled;
    PassOn(packet, forth);
  }
  if (!delayed) {
    PassOn(packet, forth);
  }
}

void Shuffler::Hold(Bytes packet, bool forth, TimePoint now) {
  if (held_.size() >= options_.max_held) {
    ++counts_.hurried;
    const Held oldest = std::move(held_.front());
    held_.pop_front();
    Let(oldest);
  }
  ++counts_.delayed;
  const uint32_t behind = std::uniform_int_distribution<uint32_t>(1, std::max(1U, options_.max_behind))(random_);
  held_.push_back({.packet = {packet.begin(), packet.end()},
                   .forth = forth,
                   .behind = behind,
                   .passed = false,
                   .latest = now + options_.max_wait});
}

void Shuffler::PassOn(Bytes packet, bool forth) {
  on_packet_(packet);
  for (auto position = held_.begin(); position != held_.end();) {
    Held& held = *position;
    if (held.forth != forth) {
      ++position;
      continue;
    }
    held.passed = true;
    if (--held.behind > 0) {
      ++position;
      continue;
    }
    const Held released = std::move(held);
    position = held_.erase(position);
    Let(released);
  }
}

void Shuffler::Let(const Held& held) {
  counts_.overtaken += held.passed ? 1 : 0;
  on_packet_(held.packet);
}

void Shuffler::Release(TimePoint now) {
  while (!held_.empty() && held_.front().latest <= now) {
    const Held oldest = std::move(held_.front());
    held_.pop_front();
    Let(oldest);
  }
}

std::optional<TimePoint> Shuffler::NextRelease() const {
  return held_.empty() ? std::nullopt : std::optional(held_.front().latest);
}

}  // namespace rpctee::shuffle
