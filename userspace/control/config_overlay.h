// What the agent's configuration file says, laid over the defaults value by value; what is not allowed is noted with
// file, line and column.
//
// Control thread; lives as long as one file is being read.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "control/diagnostic.h"
#include "control/source_map.h"
#include "rpctee/config/v1/agent.pb.h"

namespace rpctee::control {

inline constexpr uint64_t kKiB = uint64_t{1} << 10;
inline constexpr uint64_t kMiB = uint64_t{1} << 20;
inline constexpr uint64_t kGiB = uint64_t{1} << 30;

inline std::string SizeText(uint64_t bytes) {
  constexpr std::array<std::pair<uint64_t, const char*>, 3> kUnits{{{kGiB, "GiB"}, {kMiB, "MiB"}, {kKiB, "KiB"}}};
  for (const auto& [unit, name] : kUnits) {
    if (bytes >= unit && bytes % unit == 0) {
      return fmt::format("{}{}", bytes / unit, name);
    }
  }
  return fmt::format("{} bytes", bytes);
}

inline std::string DurationText(Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return ms % 1'000 == 0 ? fmt::format("{}s", ms / 1'000) : fmt::format("{}ms", ms);
}

// Takes what the file says over the defaults, and notes what is not allowed.
class Overlay {
 public:
  Overlay(const SourceMap& sources, Diagnostics& diagnostics) : sources_(sources), diagnostics_(diagnostics) {}

  void AddError(const google::protobuf::Message& message, int field, std::string_view text) {
    const Position& position = sources_.OfField(message, field);
    diagnostics_.push_back({Severity::kError, position.origin, fmt::format("{}: {}", position.path, text)});
  }

  const route::Origin& OriginOf(const google::protobuf::Message& message) const { return sources_.OriginOf(message); }

  void Count(const google::protobuf::Message& message, int field, bool present, uint32_t value, uint32_t min,
             uint32_t max, uint32_t& out) {
    if (!present) {
      return;
    }
    if (value < min || value > max) {
      AddError(message, field, fmt::format("{} is not from {} to {}", value, min, max));
    }
    out = value;
  }

  template <typename Bytes>
  void Size(const google::protobuf::Message& message, int field, bool present,
            const rpctee::config::v1::ByteSize& value, uint64_t min, uint64_t max, Bytes& out) {
    if (!present) {
      return;
    }
    if (value.bytes() < min || value.bytes() > max) {
      AddError(message, field,
               fmt::format("{} is not from {} to {}", SizeText(value.bytes()), SizeText(min), SizeText(max)));
      return;
    }
    out = static_cast<Bytes>(value.bytes());
  }

  void Time(const google::protobuf::Message& message, int field, bool present, const google::protobuf::Duration& value,
            Duration min, Duration max, Duration& out) {
    if (!present) {
      return;
    }
    const Duration duration = std::chrono::seconds(value.seconds()) + std::chrono::nanoseconds(value.nanos());
    if (duration < min || duration > max) {
      AddError(message, field,
               fmt::format("{} is not from {} to {}", DurationText(duration), DurationText(min), DurationText(max)));
    }
    out = duration;
  }

  template <typename Enum>
  void Choice(const google::protobuf::Message& message, int field, bool present, const std::string& value,
              std::initializer_list<std::pair<std::string_view, Enum>> choices, Enum& out) {
    if (!present) {
      return;
    }
    std::string names;
    for (const auto& [name, choice] : choices) {
      if (name == value) {
        out = choice;
        return;
      }
      names += fmt::format("{}{}", names.empty() ? "" : ", ", name);
    }
    AddError(message, field, fmt::format("\"{}\" is not one of {}", value, names));
  }

  // A list that the file gives replaces the default whole, and may not be empty.
  template <typename Field>
  void List(const google::protobuf::Message& message, int field, const Field& values, std::vector<std::string>& out) {
    if (!sources_.HasField(message, field)) {
      return;
    }
    if (values.empty() || std::any_of(values.begin(), values.end(), [](const std::string& v) { return v.empty(); })) {
      AddError(message, field, "needs at least one entry, and no empty ones");
    }
    out.assign(values.begin(), values.end());
  }

 private:
  const SourceMap& sources_;
  Diagnostics& diagnostics_;
};

// Field numbers and accessors of one field, for the calls above.
#define RPCTEE_FIELD(type, message, name, number) \
  message, rpctee::config::v1::type::k##number##FieldNumber, (message).has_##name(), (message).name()

}  // namespace rpctee::control
