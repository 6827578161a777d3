#include <iostream>

#include "agent/version.h"
#include "cli/commands.h"

namespace rpctee::cli {

void AddVersionCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("version", "Prints the version of rpctee and of the BPF object inside it");
  command->callback([&exit_status] {
    std::cout << "rpctee " << RPCTEE_VERSION << "\nBPF object: " << agent::TapProgramVersion() << "\n";
    exit_status = kOk;
  });
}

}  // namespace rpctee::cli
