// Where log lines go: stderr, for people or as JSON, one line each. Main thread, before others start.
#pragma once

#include "control/agent_config.h"

namespace rpctee::cli {

// Lines for people, at level info. Standard output stays free for what a command was asked for.
void SetUpLog();
// As the configuration says. JSON: one object a line, with time, level and message.
void ConfigureLog(const control::AgentConfig::Log& config);

}  // namespace rpctee::cli
