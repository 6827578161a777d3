// The names by which Istio and Aeraki call clusters and route configurations. Any thread; pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace rpctee::control {

// "outbound|20880|v1|host"; the subset may be empty.
struct ClusterName {
  uint16_t port = 0;
  std::string subset;
  std::string host;

  std::string ToString() const;
  // Nothing when the name is not of this form.
  static std::optional<ClusterName> Parse(std::string_view name);
};

// "host_20880" gives "host"; a name without a port is its own host.
std::string HostOfConfigName(std::string_view config_name);

// ASCII case does not count in host and interface names.
bool EqualIgnoringCase(std::string_view a, std::string_view b);

}  // namespace rpctee::control
