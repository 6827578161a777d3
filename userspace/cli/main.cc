#include "cli/commands.h"
#include "cli/log.h"

int main(int argc, char** argv) {
  rpctee::cli::SetUpLog();
  CLI::App app("rpctee copies live RPC requests to mirror pods, without being in their path.", "rpctee");
  app.require_subcommand(1);
  app.footer("Each command has its own --help. Documentation: README.md and docs/.");
  int exit_status = rpctee::cli::kOk;
  rpctee::cli::AddAgentCommand(app, exit_status);
  rpctee::cli::AddCheckCommand(app, exit_status);
  rpctee::cli::AddReplayCommand(app, exit_status);
  rpctee::cli::AddVersionCommand(app, exit_status);
  CLI11_PARSE(app, argc, argv);
  return exit_status;
}
