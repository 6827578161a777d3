#include "control/cluster_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

namespace rpctee::control {
namespace {

// A port in decimal, and nothing else.
std::optional<uint16_t> ToPort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) {
    return std::nullopt;
  }
  return port;
}

char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

std::string ClusterName::ToString() const { return fmt::format("outbound|{}|{}|{}", port, subset, host); }

std::optional<ClusterName> ClusterName::Parse(std::string_view name) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0; begin <= name.size() && parts.size() <= 4;) {
    const size_t end = std::min(name.find('|', begin), name.size());
    parts.push_back(name.substr(begin, end - begin));
    begin = end + 1;
  }
  if (parts.size() != 4 || parts[0] != "outbound" || parts[3].empty()) {
    return std::nullopt;
  }
  const std::optional<uint16_t> port = ToPort(parts[1]);
  if (!port) {
    return std::nullopt;
  }
  return ClusterName{*port, std::string(parts[2]), std::string(parts[3])};
}

std::string HostOfConfigName(std::string_view config_name) {
  const size_t split = config_name.rfind('_');
  if (split == std::string_view::npos || split == 0 || !ToPort(config_name.substr(split + 1))) {
    return std::string(config_name);
  }
  return std::string(config_name.substr(0, split));
}

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return ToLower(x) == ToLower(y); });
}

}  // namespace rpctee::control
