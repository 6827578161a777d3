// What the agent is told to do, in the terms of the parts that do it. Plain values.
#pragma once

#include <string>
#include <vector>

#include "agent/route_loader.h"
#include "agent/silence_watch.h"
#include "agent/taps.h"
#include "agent/worker.h"
#include "base/clock.h"
#include "control/agent_config.h"
#include "tap/tap.h"

namespace rpctee::agent {

struct AgentOptions {
  TapPlaces places;
  tap::TapOptions tap;
  WorkerOptions worker;
  SilenceOptions silence;
  RouteSources routes;
  Duration reload_interval = std::chrono::seconds(1);
  double max_cpu = 0;            // of one core; 0 = no limit
  std::string ledger_json_path;  // where the final ledger goes; empty = nowhere
};

// How many CPUs this process may run on. A limit on their time, such as a container has, is not looked at.
uint32_t UsableCpus();

AgentOptions FromConfig(const control::AgentConfig& config, uint32_t cpus = UsableCpus());

}  // namespace rpctee::agent
