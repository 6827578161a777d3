#include "agent/options.h"

#include <sched.h>

#include <algorithm>
#include <thread>

#include "bpf/abi/abi.h"

namespace rpctee::agent {
namespace {

static_assert(control::AgentConfig::kMaxWorkers == RPCTEE_RINGS_MAX, "each worker has a ring");
static_assert(control::AgentConfig::kMaxRequestBytes <= RPCTEE_BODY_MAX, "longer ones are not framed");

// More than these help only where more than a million requests a second are copied.
constexpr uint32_t kMostWorkersByDefault = 4;

static_assert(control::LeastReassemblyBytes(0) / 2 >= stream::ReassemblerLimits().max_join_bytes);

// Half of the CPUs at most: the node is there for others. And each worker is to have room for the longest requests in
// its share of the memory.
uint32_t WorkersFor(const control::AgentConfig& config, uint32_t cpus) {
  if (config.workers != 0) {
    return config.workers;
  }
  const uint64_t by_memory =
      config.limits.max_reassembly_bytes / control::LeastReassemblyBytes(config.tap.max_request_bytes);
  return static_cast<uint32_t>(std::clamp<uint64_t>(std::min<uint64_t>(cpus / 2, by_memory), 1, kMostWorkersByDefault));
}

std::vector<tap::Direction> Directions(control::TapDirection direction) {
  switch (direction) {
    case control::TapDirection::kEgress:
      return {tap::Direction::kEgress};
    case control::TapDirection::kIngress:
      return {tap::Direction::kIngress};
    case control::TapDirection::kBoth:
      return {tap::Direction::kIngress, tap::Direction::kEgress};
  }
  return {};
}

tap::AttachMode Mode(control::TapAttach attach) {
  switch (attach) {
    case control::TapAttach::kAuto:
      return tap::AttachMode::kAuto;
    case control::TapAttach::kTcx:
      return tap::AttachMode::kTcx;
    case control::TapAttach::kClsact:
      return tap::AttachMode::kClsact;
  }
  return tap::AttachMode::kAuto;
}

tap::TapOptions TapFrom(const control::AgentConfig& config) {
  tap::TapOptions options;
  options.pin_directory = config.tap.pin_directory;
  options.ring_bytes = config.tap.ring_bytes;
  options.max_flows = config.tap.max_flows;
  options.max_endpoints = config.tap.max_endpoints;
  options.max_own_connections = config.tap.max_own_connections;
  options.max_request_bytes = config.tap.max_request_bytes;
  options.socket_mark = config.mirror.socket_mark;
  options.replies = config.tap.replies;
  options.tcx_order = config.tap.tcx_order == control::TapOrder::kFirst ? tap::TcxOrder::kFirst : tap::TcxOrder::kLast;
  return options;
}

mirror::MirrorOptions MirrorFrom(const control::AgentConfig::Mirror& config) {
  mirror::MirrorOptions options;
  options.connections_per_endpoint = config.connections_per_endpoint;
  options.max_buffer_bytes = config.max_buffer_bytes;
  options.max_in_flight = config.max_in_flight;
  options.max_pipelined = config.max_pipelined;
  options.connect_timeout = config.connect_timeout;
  options.reply_timeout = config.reply_timeout;
  options.reconnect_min = config.reconnect_min;
  options.reconnect_max = config.reconnect_max;
  options.user_timeout = config.user_timeout;
  options.socket_mark = config.socket_mark;
  options.dscp = config.dscp;
  options.idle_timeout = config.idle_timeout;
  options.ejection = {.consecutive_failures = config.ejection.consecutive_failures,
                      .consecutive_exhausted = config.ejection.consecutive_exhausted,
                      .time = config.ejection.time,
                      .max_time = config.ejection.max_time};
  options.socket_priority = config.socket_priority;
  return options;
}

}  // namespace

uint32_t UsableCpus() {
  cpu_set_t set;
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) {
    return static_cast<uint32_t>(CPU_COUNT(&set));
  }
  return std::thread::hardware_concurrency();  // more than fit into the set
}

AgentOptions FromConfig(const control::AgentConfig& config, uint32_t cpus) {
  AgentOptions options;
  options.places = {config.tap.interfaces, Directions(config.tap.direction), Mode(config.tap.attach),
                    config.tap.replies};
  options.tap = TapFrom(config);
  options.tap.rings = WorkersFor(config, cpus);
  options.worker.mirror = MirrorFrom(config.mirror);
  options.worker.mirror.budget = std::make_shared<mirror::AgentBudget>(
      mirror::RateLimits{.requests_per_second = config.limits.max_mirror_requests_per_second,
                         .bytes_per_second = config.limits.max_mirror_bytes_per_second},
      config.limits.max_mirror_memory);
  options.max_cpu = config.limits.max_cpu;
  const uint64_t half_bytes = config.limits.max_reassembly_bytes / 2;
  options.worker.pipeline.limits = {.max_bytes = half_bytes, .max_age = config.limits.request_timeout};
  options.worker.pipeline.stream_limits.max_bytes = half_bytes;
  options.worker.pipeline.stream_limits.max_request_bytes = config.tap.max_request_bytes;
  options.silence = {
      .interval = config.tap.silence_check, .min_bytes = config.tap.silence_bytes, .max_cursors = config.tap.max_flows};
  options.worker.shutdown_grace = config.shutdown_grace;
  options.routes = {config.routes.files, config.mark, config.policies};
  options.reload_interval = config.routes.reload;
  return options;
}

}  // namespace rpctee::agent
