#include <iostream>

#include "cli/commands.h"
#include "control/route_files.h"
#include "route/describe.h"

namespace rpctee::cli {
namespace {

// Wrong or incomplete routes: nothing would be mirrored, or not what the files say.
constexpr int kNothingToMirror = 2;

int Check(const std::vector<std::string>& files, bool json, bool strict) {
  const control::LoadedRoutes loaded = control::LoadRouteFiles(files);
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
  std::cout << (json ? route::DescribeJson(**snapshot) + "\n" : route::Describe(**snapshot));
  if ((*snapshot)->endpoints().empty()) {
    std::cerr << "nothing would be mirrored\n";
    return kNothingToMirror;
  }
  return strict && warned ? kFailed : kOk;
}

}  // namespace

void AddCheckCommand(CLI::App& app, int& exit_status) {
  CLI::App* command = app.add_subcommand("check", "Reads routes offline and prints what would be mirrored where");
  auto files = std::make_shared<std::vector<std::string>>();
  auto output = std::make_shared<std::string>("text");
  auto strict = std::make_shared<bool>(false);
  command->add_option("FILE", *files, "Route files, patterns, or - for standard input; together they make one set")
      ->required();
  command->add_option("-o,--output", *output, "Output format: text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_flag("--strict", *strict, "Let warnings fail the check");
  command->footer("Exit status: 0 = something would be mirrored, 1 = refused, 2 = nothing would be mirrored.");
  command->callback([files, output, strict, &exit_status] { exit_status = Check(*files, *output == "json", *strict); });
}

}  // namespace rpctee::cli
