#include <iostream>

#include "cli/commands.h"

namespace rpctee::cli {

void AddVersionCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("version", "Prints the version");
  command->callback([&exit_status] {
    std::cout << "rpctee " << RPCTEE_VERSION << "\n";
    exit_status = kOk;
  });
}

}  // namespace rpctee::cli
