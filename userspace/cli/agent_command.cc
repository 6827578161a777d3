#include <spdlog/spdlog.h>

#include "agent/agent.h"
#include "cli/commands.h"
#include "cli/log.h"

namespace rpctee::cli {
namespace {

int RunAgent(const std::string& config_path, const std::string& ledger_path) {
  const Result<control::AgentConfig> config = control::LoadAgentConfig(config_path);
  if (!config) {
    spdlog::error("{}", config.error().message);
    return kFailed;
  }
  ConfigureLog(config->log);
  agent::AgentOptions options = agent::FromConfig(*config);
  options.ledger_json_path = ledger_path;
  Result<std::unique_ptr<agent::Agent>> agent = agent::Agent::Start(std::move(options));
  if (!agent) {
    spdlog::error("{}; the agent does not start", agent.error().message);
    return kFailed;
  }
  const Status ran = (*agent)->Run();
  if (!ran) {
    spdlog::error("{}", ran.error().message);
  }
  return ran ? kOk : kFailed;
}

}  // namespace

void AddAgentCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("agent", "Taps this node's interfaces and mirrors requests until SIGTERM");
  auto config = std::make_shared<std::string>();
  auto ledger = std::make_shared<std::string>();
  command->add_option("-c,--config", *config, "Configuration file (YAML); see deploy/agent.example.yaml")->required();
  command->add_option("--ledger-json", *ledger, "Write the final ledger to this file, as one JSON object");
  command->footer("SIGUSR1 prints the ledger to stderr, SIGHUP reads the route files again.");
  command->callback([config, ledger, &exit_status] { exit_status = RunAgent(*config, *ledger); });
}

}  // namespace rpctee::cli
