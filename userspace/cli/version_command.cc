#include <iostream>

#include "cli/commands.h"
#include "tap/tap.h"

namespace rpctee::cli {

void AddVersionCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("version", "Prints the version of rpctee and of the BPF object inside it");
  command->callback([&exit_status] {
    const tap::ObjectInfo object = tap::EmbeddedObject();
    std::cout << "rpctee " << RPCTEE_VERSION << "\nBPF object: " << object.bytes << " bytes, FNV-1a " << object.digest
              << "\n";
    exit_status = kOk;
  });
}

}  // namespace rpctee::cli
