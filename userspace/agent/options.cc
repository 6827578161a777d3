#include "agent/options.h"

namespace rpctee::agent {
namespace {

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
  options.tcx_order = config.tap.tcx_order == control::TapOrder::kFirst ? tap::TcxOrder::kFirst : tap::TcxOrder::kLast;
  return options;
}

mirror::MirrorOptions MirrorFrom(const control::AgentConfig::Mirror& config) {
  mirror::MirrorOptions options;
  options.connections_per_endpoint = config.connections_per_endpoint;
  options.max_buffer_bytes = config.max_buffer_bytes;
  options.max_in_flight = config.max_in_flight;
  options.connect_timeout = config.connect_timeout;
  options.reply_timeout = config.reply_timeout;
  options.reconnect_min = config.reconnect_min;
  options.reconnect_max = config.reconnect_max;
  options.user_timeout = config.user_timeout;
  options.socket_mark = config.socket_mark;
  return options;
}

}  // namespace

AgentOptions FromConfig(const control::AgentConfig& config) {
  AgentOptions options;
  options.places = {config.tap.interfaces, Directions(config.tap.direction), Mode(config.tap.attach)};
  options.tap = TapFrom(config);
  options.worker.mirror = MirrorFrom(config.mirror);
  options.worker.pipeline.limits = {.max_bytes = config.limits.max_reassembly_bytes,
                                    .max_age = config.limits.request_timeout};
  options.worker.pipeline.stream_limits.max_request_bytes = config.tap.max_request_bytes;
  options.silence = {
      .interval = config.tap.silence_check, .min_bytes = config.tap.silence_bytes, .max_cursors = config.tap.max_flows};
  options.worker.shutdown_grace = config.shutdown_grace;
  options.route_files = config.routes.files;
  options.reload_interval = config.routes.reload;
  return options;
}

}  // namespace rpctee::agent
