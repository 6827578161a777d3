#include <iostream>

#include "cli/commands.h"
#include "control/agent_config.h"
#include "control/route_files.h"
#include "route/describe.h"

namespace rpctee::cli {
namespace {

// Wrong or incomplete routes: nothing would be mirrored, or not what the files say.
constexpr int kNothingToMirror = 2;

struct CheckArguments {
  std::vector<std::string> files;
  std::string config;
  std::string output = "text";
  bool strict = false;
};

// Reads the routes that the arguments name, with what the agent's configuration, if one is given, adds to them.
Result<control::LoadedRoutes> Load(const CheckArguments& arguments) {
  if (arguments.config.empty()) {
    return control::LoadRouteFiles(arguments.files);
  }
  const Result<control::AgentConfig> config = control::LoadAgentConfig(arguments.config, arguments.files.empty());
  if (!config) {
    return tl::unexpected(config.error());
  }
  control::LoadedRoutes loaded =
      control::LoadRouteFiles(arguments.files.empty() ? config->routes.files : arguments.files);
  loaded.routes.mark = config->mark;
  route::ApplyPolicies(config->policies, loaded.routes);
  return loaded;
}

int Check(const CheckArguments& arguments) {
  const Result<control::LoadedRoutes> read = Load(arguments);
  if (!read) {
    std::cerr << read.error().message << "\n";
    return kFailed;
  }
  const control::LoadedRoutes& loaded = *read;
  bool warned = false;
  for (const control::Diagnostic& diagnostic : loaded.diagnostics) {
    std::cerr << diagnostic.ToString() << "\n";
    warned |= diagnostic.severity == control::Severity::kWarning;
  }
  if (loaded.refused()) {
    std::cerr << "refused: an agent would keep its last good routes\n";
    return kFailed;
  }
  const Result<std::shared_ptr<const route::Snapshot>> snapshot = route::Snapshot::Build(loaded.routes);
  if (!snapshot) {
    std::cerr << snapshot.error().message << "\nrefused: an agent would keep its last good routes\n";
    return kFailed;
  }
  for (const std::string& concern : route::Concerns(**snapshot)) {
    std::cerr << "warning: " << concern << "\n";
    warned = true;
  }
  std::cout << (arguments.output == "json" ? route::DescribeJson(**snapshot) + "\n" : route::Describe(**snapshot));
  if ((*snapshot)->endpoints().empty()) {
    std::cerr << "nothing would be mirrored\n";
    return kNothingToMirror;
  }
  return arguments.strict && warned ? kFailed : kOk;
}

}  // namespace

void AddCheckCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("check", "Reads routes offline and prints what would be mirrored where");
  auto arguments = std::make_shared<CheckArguments>();
  CLI::Option* const files = command->add_option(
      "FILE", arguments->files, "Route files, patterns, or - for standard input; together they make one set");
  CLI::Option* const config =
      command->add_option("-c,--config", arguments->config,
                          "Agent configuration: its mark and policies, and its routes.files where no FILE is given");
  command->add_option("-o,--output", arguments->output, "Output format: text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_flag("--strict", arguments->strict, "Let warnings fail the check");
  command->footer("Exit status: 0 = something would be mirrored, 1 = refused, 2 = nothing would be mirrored.");
  command->callback([arguments, files, config, &exit_status] {
    if (files->empty() && config->empty()) {
      throw CLI::RequiredError("FILE or --config");
    }
    exit_status = Check(*arguments);
  });
}

}  // namespace rpctee::cli
