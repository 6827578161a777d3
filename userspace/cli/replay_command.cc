#include <openssl/evp.h>
#include <spdlog/spdlog.h>

#include <array>
#include <iostream>
#include <nlohmann/json.hpp>

#include "agent/replay.h"
#include "base/report_line.h"
#include "cli/commands.h"
#include "cli/log.h"
#include "protocol/request.h"

namespace rpctee::cli {
namespace {

struct ReplayArguments {
  std::vector<std::string> captures;
  std::string config;
  uint16_t any_endpoint = 0;
  bool dry_run = false;
  bool list = false;
  bool replies = false;
  std::string output = "text";
  uint32_t max_segment = 0;
  uint64_t first_packet = 1;
};

std::string Sha256Hex(Bytes bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &length, EVP_sha256(), nullptr);
  std::string hex;
  for (unsigned int i = 0; i < length; ++i) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    hex += kDigits[digest.at(i) >> 4];
    hex += kDigits[digest.at(i) & 0xf];
  }
  return hex;
}

nlohmann::ordered_json Describe(const stream::Frame& frame, protocol::Request& request) {
  const protocol::RequestSummary summary = request.Summary();
  return {{"flow", frame.flow.ToString()},
          {"protocol", protocol::ProtocolName(frame.protocol)},
          {"kind", protocol::Name(summary.kind)},
          {"request_id", summary.id},
          {"serialization", summary.serialization},
          {"service", summary.service},
          {"version", summary.version},
          {"method", summary.method},
          {"descriptor", summary.descriptor},
          {"bytes", frame.bytes.size()},
          {"sha256", Sha256Hex(frame.bytes)}};
}

std::string ToJson(const nlohmann::ordered_json& json) {
  // Names come from the wire and need not be UTF-8.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::string ToLine(const nlohmann::ordered_json& request) {
  const auto text = [&request](const char* key) { return request[key].get<std::string>(); };
  return text("flow") + " " + text("kind") + " id=" + request["request_id"].dump() +
         " serialization=" + request["serialization"].dump() + " " + text("service") + " " + text("method") + " " +
         request["bytes"].dump() + " bytes sha256=" + text("sha256");
}

// Prints each request when it comes, so that memory does not grow with the capture.
class Printer {
 public:
  explicit Printer(const ReplayArguments& arguments) : json_(arguments.output == "json"), list_(arguments.list) {
    if (json_) {
      std::cout << "{\"requests\":[";
    }
  }

  void Print(const stream::Frame& frame, protocol::Request& request) {
    if (json_) {
      std::cout << (first_ ? "\n" : ",\n") << ToJson(Describe(frame, request));
      first_ = false;
    } else if (list_) {
      std::cout << ToLine(Describe(frame, request)) << "\n";
    }
  }

  void Finish(const agent::ReplayReport& report) {
    if (json_) {
      std::cout << "\n],\"packets\":" << report.packets << ",\"packets_cut\":" << report.packets_cut
                << ",\"tap\":" << TapJson(report) << ",\"ledger\":" << report.ledger.ToJson() << RepliesJson(report)
                << "}\n";
      return;
    }
    std::cout << "packets " << report.packets << "\n";
    if (report.packets_cut != 0) {
      std::cout << "packets cut by the capture's snap length " << report.packets_cut
                << ": requests in them are counted as gaps\n";
    }
    std::cout << "tap\n";
    for (const tap::TapCounter& counter : report.counters) {
      if (counter.value != 0) {
        std::cout << ReportLine(counter.name, std::to_string(counter.value));
      }
    }
    for (const tap::EndpointReplies& replies : report.replies) {
      std::cout << "answers of " << replies.endpoint.ToString() << ": " << replies.asked << " asked, " << replies.ok
                << " ok, " << replies.exception << " exception, " << replies.error << " error\n";
    }
    std::cout << "ledger\n" << report.ledger.ToText();
  }

 private:
  static std::string TapJson(const agent::ReplayReport& report) {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (const tap::TapCounter& counter : report.counters) {
      json[std::string(counter.name)] = counter.value;
    }
    return json.dump();
  }

  // The time that answers took in a replay says nothing.
  static std::string RepliesJson(const agent::ReplayReport& report) {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (const tap::EndpointReplies& replies : report.replies) {
      json[replies.endpoint.ToString()] = {{"asked", replies.asked},
                                           {"ok", replies.ok},
                                           {"exception", replies.exception},
                                           {"error", replies.error},
                                           {"unframed_bytes", replies.unframed_bytes},
                                           {"latencies", replies.latency.count()}};
    }
    return json.empty() ? "" : ",\"replies\":" + json.dump();
  }

  bool json_;
  bool list_;
  bool first_ = true;
};

Result<agent::ReplayOptions> OptionsFrom(const ReplayArguments& arguments) {
  agent::ReplayOptions options;
  if (arguments.config.empty() == (arguments.any_endpoint == 0)) {
    return Fail("give either -c FILE, to try its routes, or --any-endpoint PORT, to take every request on a port");
  }
  if (!arguments.config.empty()) {
    const Result<control::AgentConfig> config = control::LoadAgentConfig(arguments.config, /*routes_required=*/true);
    if (!config) {
      return tl::unexpected(config.error());
    }
    ConfigureLog(config->log);
    options.agent = agent::FromConfig(*config);
  }
  options.agent.tap.replies = options.agent.tap.replies || arguments.replies;
  options.captures = arguments.captures;
  options.any_endpoint_port = arguments.any_endpoint;
  // Without routes there is nobody to send to.
  options.dry_run = arguments.dry_run || arguments.any_endpoint != 0;
  options.max_segment_bytes = arguments.max_segment;
  options.first_packet = arguments.first_packet;
  return options;
}

int RunReplay(const ReplayArguments& arguments) {
  const Result<agent::ReplayOptions> options = OptionsFrom(arguments);
  if (!options) {
    spdlog::error("{}", options.error().message);
    return kFailed;
  }
  Printer printer(arguments);
  const Result<agent::ReplayReport> report = agent::Replay(
      *options, [&printer](const stream::Frame& frame, protocol::Request& request) { printer.Print(frame, request); });
  if (!report) {
    std::cout.flush();
    spdlog::error("{}", report.error().message);
    return kFailed;
  }
  printer.Finish(*report);
  return report->ledger.Balanced() ? kOk : kFailed;
}

}  // namespace

void AddReplayCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand(
      "replay", "Sends the packets of captures through the real hook, then the same way as the agent");
  auto arguments = std::make_shared<ReplayArguments>();
  command->add_option("CAPTURE", arguments->captures, "pcap or pcapng files, in this order")->required();
  command->add_option("-c,--config", arguments->config, "Agent configuration: routes, mark, policies, limits, mirror");
  command
      ->add_option("--any-endpoint", arguments->any_endpoint,
                   "Take every destination on this port at 100 %, without configuration; nothing is sent")
      ->check(CLI::Range(1, 65535));
  command->add_flag("--dry-run", arguments->dry_run, "Decide, count and list, but send nothing");
  command->add_flag("--list", arguments->list, "Print each request that is, or would be, mirrored");
  command->add_flag("--replies", arguments->replies, "Count how the endpoints answered, as with tap.replies");
  command->add_option("-o,--output", arguments->output, "Output format: text or json (json always lists)")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_option("--max-segment", arguments->max_segment,
                      "Cut TCP payloads to this many bytes a packet, as another network would; 0 = as captured");
  command
      ->add_option("--first-packet", arguments->first_packet, "Leave out the packets of each capture before this one")
      ->check(CLI::Range(uint64_t{1}, UINT64_MAX));
  command->footer("Exit status: 0 when every request is accounted for, 1 otherwise.");
  command->callback([arguments, &exit_status] { exit_status = RunReplay(*arguments); });
}

}  // namespace rpctee::cli
