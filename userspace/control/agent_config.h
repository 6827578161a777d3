// The agent's own configuration: a YAML file, every key of which is described in deploy/agent.example.yaml.
//
// Plain values with the defaults as initialisers; any thread. Loading is strict: unknown keys, wrong types and values
// out of range are told with file, line and column, all at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "route/copy_policy.h"

namespace rpctee::control {

enum class TapDirection : uint8_t { kEgress, kIngress, kBoth };
enum class TapAttach : uint8_t { kAuto, kTcx, kClsact };
enum class TapOrder : uint8_t { kFirst, kLast };
enum class LogLevel : uint8_t { kTrace, kDebug, kInfo, kWarn, kError };
enum class LogFormat : uint8_t { kText, kJson };

struct AgentConfig {
  static constexpr uint32_t kMaxWorkers = 16;
  static constexpr uint32_t kMaxRequestBytes = 256U << 20;

  std::string node;  // the host's name when the file has none

  uint32_t workers = 0;  // 0 = by the number of CPUs

  struct Tap {
    std::vector<std::string> interfaces{"veth*"};
    TapDirection direction = TapDirection::kEgress;
    TapAttach attach = TapAttach::kAuto;
    TapOrder tcx_order = TapOrder::kFirst;
    std::string pin_directory = "/sys/fs/bpf/rpctee";  // empty = do not pin
    uint32_t ring_bytes = 8U << 20;                    // of each worker
    uint32_t max_flows = 65'536;
    uint32_t max_endpoints = 16'384;
    uint32_t max_own_connections = 4'096;
    uint32_t max_request_bytes = 16U << 20;
    Duration silence_check = std::chrono::seconds(30);  // 0 = never
    uint64_t silence_bytes = 65'536;
    bool replies = false;
  } tap;

  struct Routes {
    std::vector<std::string> files;  // relative paths stand for files beside the configuration
    Duration reload = std::chrono::seconds(1);
  } routes;

  struct Mirror {
    uint32_t connections_per_endpoint = 1;
    uint64_t max_buffer_bytes = uint64_t{4} << 20;
    uint32_t max_in_flight = 10'000;
    uint32_t max_pipelined = 100;
    Duration connect_timeout = std::chrono::seconds(2);
    Duration reply_timeout = std::chrono::seconds(10);
    Duration reconnect_min = std::chrono::milliseconds(100);
    Duration reconnect_max = std::chrono::seconds(10);
    Duration user_timeout = std::chrono::seconds(15);
    uint32_t socket_mark = 0x72706374;
    uint32_t dscp = 8;
    uint32_t socket_priority = 1;
    Duration idle_timeout = std::chrono::minutes(2);  // 0 = never
    struct Ejection {
      uint32_t consecutive_failures = 5;
      uint32_t consecutive_exhausted = 1;
      Duration time = std::chrono::seconds(5);
      Duration max_time = std::chrono::seconds(30);
    } ejection;
  } mirror;

  struct Limits {
    uint64_t max_reassembly_bytes = uint64_t{192} << 20;  // of all workers together
    Duration request_timeout = std::chrono::seconds(30);
    uint32_t max_mirror_requests_per_second = 0;  // 0 = no limit; so with the next three
    uint64_t max_mirror_bytes_per_second = 0;
    uint64_t max_mirror_memory = uint64_t{128} << 20;
    double max_cpu = 0;  // of one core
  } limits;

  route::Mark mark{.attachment = "rpctee-mirror", .value = {}};  // value: the node, when the file has none
  std::vector<route::MatchedPolicy> policies;

  Duration shutdown_grace = std::chrono::seconds(2);

  struct Log {
    LogLevel level = LogLevel::kInfo;
    LogFormat format = LogFormat::kText;
  } log;
};

// The least that one worker must have of limits.max_reassembly_bytes. Half of it is for requests that are not whole,
// half for bytes that are not in order; each holds one longest request, the bookkeeping of the packets that it came in,
// and what is searched for a request's head.
constexpr uint64_t LeastReassemblyBytes(uint32_t max_request_bytes) {
  return 2 * (uint64_t{max_request_bytes} + max_request_bytes / 4 + (uint64_t{1} << 20));
}

// The defaults, with this host's name.
AgentConfig DefaultAgentConfig();

// `routes_required`: whether a configuration without routes.files is an error (it is for the agent, not for replay).
// The error lists everything that is wrong, a line each: "agent.yaml:3:5: tap.max_flows: ...".
Result<AgentConfig> LoadAgentConfig(const std::string& path, bool routes_required = true);

}  // namespace rpctee::control
