// The verbs of `rpctee`. Each adds its subcommand; when the user chose it, `exit_status` gets what main returns.
// Main thread.
#pragma once

#include <CLI/CLI.hpp>

namespace rpctee::cli {

// Exit statuses, the same for every verb. CLI11 itself uses numbers above 100 for wrong usage.
inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;

void AddAgentCommand(CLI::App& app, int& exit_status);
void AddCheckCommand(CLI::App& app, int& exit_status);
void AddReplayCommand(CLI::App& app, int& exit_status);
void AddVersionCommand(CLI::App& app, int& exit_status);

}  // namespace rpctee::cli
