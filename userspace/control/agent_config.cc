#include "control/agent_config.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <limits>
#include <utility>

#include "control/config_overlay.h"
#include "control/copy_policy_config.h"
#include "control/diagnostic.h"
#include "control/proto_yaml.h"
#include "control/similar_name.h"
#include "control/source_map.h"
#include "control/text_file.h"
#include "control/yaml_document.h"
#include "rpctee/config/v1/agent.pb.h"

namespace rpctee::control {
namespace {

namespace pb = rpctee::config::v1;

constexpr size_t kMaxFileBytes = size_t{1} << 20;

void TakeTap(const pb::Tap& proto, Overlay& overlay, AgentConfig::Tap& tap) {
  using D = TapDirection;
  using A = TapAttach;
  using O = TapOrder;
  overlay.List(proto, pb::Tap::kInterfacesFieldNumber, proto.interfaces(), tap.interfaces);
  overlay.Choice<D>(RPCTEE_FIELD(Tap, proto, direction, Direction),
                    {{"egress", D::kEgress}, {"ingress", D::kIngress}, {"both", D::kBoth}}, tap.direction);
  overlay.Choice<A>(RPCTEE_FIELD(Tap, proto, attach, Attach),
                    {{"auto", A::kAuto}, {"tcx", A::kTcx}, {"clsact", A::kClsact}}, tap.attach);
  overlay.Choice<O>(RPCTEE_FIELD(Tap, proto, tcx_order, TcxOrder), {{"first", O::kFirst}, {"last", O::kLast}},
                    tap.tcx_order);
  if (proto.has_replies()) {
    tap.replies = proto.replies();
  }
  if (proto.has_pin_directory()) {
    tap.pin_directory = proto.pin_directory();
    if (!tap.pin_directory.empty() && tap.pin_directory[0] != '/') {
      overlay.AddError(proto, pb::Tap::kPinDirectoryFieldNumber, "is not an absolute path (\"\" = do not pin)");
    }
  }
  constexpr uint32_t kMaxEntries = 1U << 20;
  overlay.Size(RPCTEE_FIELD(Tap, proto, ring_bytes, RingBytes), 64 * kKiB, kGiB, tap.ring_bytes);
  overlay.Count(RPCTEE_FIELD(Tap, proto, max_flows, MaxFlows), 1, 16 * kMaxEntries, tap.max_flows);
  overlay.Count(RPCTEE_FIELD(Tap, proto, max_endpoints, MaxEndpoints), 1, kMaxEntries, tap.max_endpoints);
  overlay.Count(RPCTEE_FIELD(Tap, proto, max_own_connections, MaxOwnConnections), 1, kMaxEntries,
                tap.max_own_connections);
  overlay.Size(RPCTEE_FIELD(Tap, proto, max_request_bytes, MaxRequestBytes), kKiB, AgentConfig::kMaxRequestBytes,
               tap.max_request_bytes);
  overlay.Size(RPCTEE_FIELD(Tap, proto, silence_bytes, SilenceBytes), kKiB, kGiB, tap.silence_bytes);
  overlay.Time(RPCTEE_FIELD(Tap, proto, silence_check, SilenceCheck), Duration::zero(), std::chrono::hours(1),
               tap.silence_check);
  if (tap.silence_check > Duration::zero() && tap.silence_check < std::chrono::seconds(1)) {
    overlay.AddError(proto, pb::Tap::kSilenceCheckFieldNumber,
                     fmt::format("{} is less than 1s (0s = never)", DurationText(tap.silence_check)));
  }
}

void TakeEjection(const pb::Ejection& proto, Overlay& overlay, AgentConfig::Mirror::Ejection& ejection) {
  constexpr uint32_t kMost = 1'000'000;
  overlay.Count(RPCTEE_FIELD(Ejection, proto, consecutive_failures, ConsecutiveFailures), 0, kMost,
                ejection.consecutive_failures);
  overlay.Count(RPCTEE_FIELD(Ejection, proto, consecutive_exhausted, ConsecutiveExhausted), 0, kMost,
                ejection.consecutive_exhausted);
  overlay.Time(RPCTEE_FIELD(Ejection, proto, time, Time), std::chrono::milliseconds(10), std::chrono::hours(1),
               ejection.time);
  overlay.Time(RPCTEE_FIELD(Ejection, proto, max_time, MaxTime), std::chrono::milliseconds(10), std::chrono::hours(1),
               ejection.max_time);
}

void TakeMirror(const pb::Mirror& proto, Overlay& overlay, AgentConfig::Mirror& mirror) {
  using std::chrono::hours;
  using std::chrono::milliseconds;
  using std::chrono::minutes;
  using std::chrono::seconds;
  overlay.Count(RPCTEE_FIELD(Mirror, proto, connections_per_endpoint, ConnectionsPerEndpoint), 1, 64,
                mirror.connections_per_endpoint);
  overlay.Size(RPCTEE_FIELD(Mirror, proto, max_buffer_bytes, MaxBufferBytes), 64 * kKiB, kGiB, mirror.max_buffer_bytes);
  overlay.Count(RPCTEE_FIELD(Mirror, proto, max_in_flight, MaxInFlight), 1, 1'000'000, mirror.max_in_flight);
  overlay.Count(RPCTEE_FIELD(Mirror, proto, max_pipelined, MaxPipelined), 1, 1'000'000, mirror.max_pipelined);
  overlay.Time(RPCTEE_FIELD(Mirror, proto, connect_timeout, ConnectTimeout), milliseconds(10), minutes(5),
               mirror.connect_timeout);
  overlay.Time(RPCTEE_FIELD(Mirror, proto, reply_timeout, ReplyTimeout), milliseconds(10), minutes(10),
               mirror.reply_timeout);
  overlay.Time(RPCTEE_FIELD(Mirror, proto, reconnect_min, ReconnectMin), milliseconds(1), minutes(1),
               mirror.reconnect_min);
  overlay.Time(RPCTEE_FIELD(Mirror, proto, reconnect_max, ReconnectMax), milliseconds(1), hours(1),
               mirror.reconnect_max);
  overlay.Time(RPCTEE_FIELD(Mirror, proto, user_timeout, UserTimeout), seconds(1), minutes(10), mirror.user_timeout);
  overlay.Count(RPCTEE_FIELD(Mirror, proto, socket_mark, SocketMark), 0, std::numeric_limits<uint32_t>::max(),
                mirror.socket_mark);
  overlay.Time(RPCTEE_FIELD(Mirror, proto, idle_timeout, IdleTimeout), Duration::zero(), hours(24),
               mirror.idle_timeout);
  overlay.Count(RPCTEE_FIELD(Mirror, proto, dscp, Dscp), 0, 63, mirror.dscp);
  overlay.Count(RPCTEE_FIELD(Mirror, proto, socket_priority, SocketPriority), 0, 6, mirror.socket_priority);
  TakeEjection(proto.ejection(), overlay, mirror.ejection);
  if (mirror.reconnect_max < mirror.reconnect_min) {
    const int field =
        proto.has_reconnect_max() ? pb::Mirror::kReconnectMaxFieldNumber : pb::Mirror::kReconnectMinFieldNumber;
    overlay.AddError(proto, field,
                     fmt::format("reconnect_max ({}) is less than reconnect_min ({})",
                                 DurationText(mirror.reconnect_max), DurationText(mirror.reconnect_min)));
  }
}

void TakeBudgets(const pb::Limits& proto, Overlay& overlay, AgentConfig::Limits& limits) {
  constexpr uint32_t kMostRequests = 1'000'000'000;
  constexpr double kMostCpu = 1024;
  overlay.Count(RPCTEE_FIELD(Limits, proto, max_mirror_requests_per_second, MaxMirrorRequestsPerSecond), 0,
                kMostRequests, limits.max_mirror_requests_per_second);
  overlay.Size(RPCTEE_FIELD(Limits, proto, max_mirror_bytes_per_second, MaxMirrorBytesPerSecond), 0, 1024 * kGiB,
               limits.max_mirror_bytes_per_second);
  overlay.Size(RPCTEE_FIELD(Limits, proto, max_mirror_memory, MaxMirrorMemory), 0, 1024 * kGiB,
               limits.max_mirror_memory);
  if (proto.has_max_cpu()) {
    limits.max_cpu = proto.max_cpu();
    if (!(limits.max_cpu >= 0 && limits.max_cpu <= kMostCpu)) {
      overlay.AddError(proto, pb::Limits::kMaxCpuFieldNumber,
                       fmt::format("{} is not from 0 to {}", limits.max_cpu, kMostCpu));
    }
  }
}

void TakeRest(const pb::AgentConfig& proto, Overlay& overlay, AgentConfig& config) {
  using F = LogFormat;
  using L = LogLevel;
  using std::chrono::milliseconds;
  using std::chrono::minutes;
  if (proto.has_node() && !proto.node().empty()) {
    config.node = proto.node();
  }
  overlay.Count(RPCTEE_FIELD(AgentConfig, proto, workers, Workers), 0, AgentConfig::kMaxWorkers, config.workers);
  overlay.List(proto.routes(), pb::Routes::kFilesFieldNumber, proto.routes().files(), config.routes.files);
  overlay.Time(RPCTEE_FIELD(Routes, proto.routes(), reload, Reload), milliseconds(100), std::chrono::hours(1),
               config.routes.reload);
  overlay.Size(RPCTEE_FIELD(Limits, proto.limits(), max_reassembly_bytes, MaxReassemblyBytes), 4 * kMiB, 64 * kGiB,
               config.limits.max_reassembly_bytes);
  overlay.Time(RPCTEE_FIELD(Limits, proto.limits(), request_timeout, RequestTimeout), milliseconds(100), minutes(10),
               config.limits.request_timeout);
  TakeBudgets(proto.limits(), overlay, config.limits);
  overlay.Time(RPCTEE_FIELD(AgentConfig, proto, shutdown_grace, ShutdownGrace), milliseconds(0), minutes(5),
               config.shutdown_grace);
  overlay.Choice<L>(
      RPCTEE_FIELD(Log, proto.log(), level, Level),
      {{"trace", L::kTrace}, {"debug", L::kDebug}, {"info", L::kInfo}, {"warn", L::kWarn}, {"error", L::kError}},
      config.log.level);
  overlay.Choice<F>(RPCTEE_FIELD(Log, proto.log(), format, Format), {{"text", F::kText}, {"json", F::kJson}},
                    config.log.format);
}

// Relative to the directory of the configuration, so that it does not matter where the agent is started.
void ResolvePaths(const std::string& config_path, std::vector<std::string>& files) {
  const std::filesystem::path directory = std::filesystem::path(config_path).parent_path();
  for (std::string& file : files) {
    if (file != "-" && file[0] != '/' && !directory.empty()) {
      file = (directory / file).string();
    }
  }
}

tl::unexpected<Error> AllOf(const Diagnostics& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    text += fmt::format("{}{}: {}", text.empty() ? "" : "\n", diagnostic.origin.ToString(), diagnostic.message);
  }
  return Fail(std::move(text));
}

// Reads the file into the message; what is wrong goes to the diagnostics.
void ReadMessage(const std::string& path, SourceMap& sources, Diagnostics& diagnostics, pb::AgentConfig& proto) {
  const auto add_error = [&](int line, int column, std::string message) {
    diagnostics.push_back({Severity::kError, {path, line, column}, std::move(message)});
  };
  const Result<std::string> text = ReadTextFile(path, kMaxFileBytes);
  if (!text) {
    return add_error(0, 0, text.error().message);
  }
  const tl::expected<YamlFile, YamlError> yaml = YamlFile::Parse(*text, {100'000, 100, 64});
  if (!yaml) {
    return add_error(yaml.error().line, yaml.error().column, yaml.error().message);
  }
  if (yaml->documents().empty()) {
    return;  // all defaults
  }
  if (yaml->documents().size() > 1) {
    const YamlNode& second = *yaml->documents()[1];
    return add_error(second.line, second.column, "a second document: the configuration is one");
  }
  YamlConversion conversion;
  conversion.file = path;
  conversion.sources = &sources;
  conversion.diagnostics = &diagnostics;
  conversion.record_fields = true;
  FromYaml(*yaml->documents()[0], "", conversion, proto);
  for (const UnusedKey& key : sources.unused()) {
    if (!key.is_null) {  // a section whose keys are all commented out
      diagnostics.push_back({Severity::kError, key.origin, key.Describe()});
    }
  }
}

}  // namespace

AgentConfig DefaultAgentConfig() {
  AgentConfig config;
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) == 0) {
    config.node = name.data();
  }
  config.mark.value = config.node;
  return config;
}

Result<AgentConfig> LoadAgentConfig(const std::string& path, bool routes_required) {
  Diagnostics diagnostics;
  SourceMap sources(route::Origin{path, 0, 0});
  pb::AgentConfig proto;
  ReadMessage(path, sources, diagnostics, proto);
  if (!diagnostics.empty()) {
    return AllOf(diagnostics);
  }
  AgentConfig config = DefaultAgentConfig();
  Overlay overlay(sources, diagnostics);
  TakeTap(proto.tap(), overlay, config.tap);
  TakeMirror(proto.mirror(), overlay, config.mirror);
  TakeRest(proto, overlay, config);
  TakeMark(proto.mark(), config.node, overlay, config.mark);
  TakePolicies(proto.policies(), overlay, config.policies);
  const uint32_t workers = std::max(config.workers, 1U);
  if (const uint64_t least = workers * LeastReassemblyBytes(config.tap.max_request_bytes);
      config.limits.max_reassembly_bytes < least) {
    overlay.AddError(proto.limits(), pb::Limits::kMaxReassemblyBytesFieldNumber,
                     fmt::format("{} is not enough for requests of tap.max_request_bytes ({}) and {}: {} is the least",
                                 SizeText(config.limits.max_reassembly_bytes), SizeText(config.tap.max_request_bytes),
                                 workers == 1 ? "one worker" : fmt::format("{} workers", workers), SizeText(least)));
  }
  if (routes_required && config.routes.files.empty() && diagnostics.empty()) {
    diagnostics.push_back(
        {Severity::kError, {path, 0, 0}, "routes.files: is required: where do the routes come from?"});
  }
  if (!diagnostics.empty()) {
    return AllOf(diagnostics);
  }
  ResolvePaths(path, config.routes.files);
  return config;
}

}  // namespace rpctee::control
