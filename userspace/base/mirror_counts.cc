#include "base/mirror_counts.h"

#include <algorithm>
#include <functional>

namespace rpctee {
namespace {

#define RPCTEE_NAME(name, ...) #name,
constexpr std::array<std::string_view, kMirrorCounters> kNames = {RPCTEE_MIRROR_COUNTERS(RPCTEE_NAME)};
#undef RPCTEE_NAME

}  // namespace

std::string_view Name(MirrorCounter counter) { return kNames.at(static_cast<size_t>(counter)); }

bool MirrorCounts::IsEmpty() const {
  return errors.empty() && std::all_of(counts.begin(), counts.end(), [](uint64_t count) { return count == 0; });
}

std::string MirrorCounts::ToText() const {
  std::string text;
  const auto add = [&text](std::string_view name, uint64_t count) {
    text += (text.empty() ? "" : ", ") + std::string(name) + " " + std::to_string(count);
  };
  for (size_t i = 0; i < kMirrorCounters; ++i) {
    if (counts[i] != 0) {
      add(kNames[i], counts[i]);
    }
  }
  for (const auto& [name, count] : errors) {
    add("error " + name, count);
  }
  return "  mirror " + (endpoint ? endpoint->ToString() : "(other)") + ": " + text + "\n";
}

std::string MirrorCounts::ToJson() const {
  std::string json = "{\"endpoint\":" + (endpoint ? "\"" + endpoint->ToString() + "\"" : "null");
  for (size_t i = 0; i < kMirrorCounters; ++i) {
    json += ",\"" + std::string(kNames[i]) + "\":" + std::to_string(counts[i]);
  }
  std::string by_name;
  for (const auto& [name, count] : errors) {
    by_name += (by_name.empty() ? "\"" : ",\"") + name + "\":" + std::to_string(count);
  }
  return json + ",\"errors\":{" + by_name + "}}";
}

void AddRows(std::vector<MirrorCounts>& sums, const std::vector<MirrorCounts>& rows) {
  for (const MirrorCounts& row : rows) {
    const auto known =
        std::find_if(sums.begin(), sums.end(), [&](const MirrorCounts& sum) { return sum.endpoint == row.endpoint; });
    if (known == sums.end()) {
      sums.push_back(row);
      continue;
    }
    std::transform(row.counts.begin(), row.counts.end(), known->counts.begin(), known->counts.begin(), std::plus<>());
    for (const auto& [name, count] : row.errors) {
      known->errors[name] += count;
    }
  }
}

}  // namespace rpctee
