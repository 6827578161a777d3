// Any text as the agent's configuration: it is refused with a reason, or every value is within its limits.
#include "control/agent_config.h"
#include "fuzz/fuzz_check.h"
#include "fuzz/fuzz_file.h"

namespace {

using rpctee::Bytes;
using rpctee::fuzz::MemoryFile;
using rpctee::fuzz::Require;
namespace control = rpctee::control;

constexpr size_t kMaxInput = 16 * 1024;

void CheckLimits(const control::AgentConfig& config) {
  Require(config.workers <= control::AgentConfig::kMaxWorkers, "workers are limited");
  Require(config.tap.ring_bytes >= 64U << 10 && config.tap.ring_bytes <= 1U << 30, "a ring has 64 KiB to 1 GiB");
  Require(config.tap.max_flows >= 1 && config.tap.max_endpoints >= 1 && config.tap.max_own_connections >= 1,
          "no table is empty");
  Require(config.tap.max_request_bytes >= 1U << 10 &&
              config.tap.max_request_bytes <= control::AgentConfig::kMaxRequestBytes,
          "a request has 1 KiB to 256 MiB");
  Require(config.mirror.connections_per_endpoint >= 1 && config.mirror.connections_per_endpoint <= 64,
          "there is a connection");
  Require(config.mirror.max_in_flight >= 1 && config.mirror.max_in_flight <= 1'000'000, "copies in flight are limited");
  Require(config.mirror.reconnect_min <= config.mirror.reconnect_max, "the pauses are in order");
  Require(config.limits.max_reassembly_bytes >= control::LeastReassemblyBytes(config.tap.max_request_bytes),
          "the longest request fits");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > kMaxInput) {
    return 0;
  }
  const MemoryFile file(Bytes(data, size));
  const auto config = control::LoadAgentConfig(file.path(), false);
  if (config) {
    CheckLimits(*config);
  } else {
    Require(!config.error().message.empty(), "what is refused has a reason");
  }
  return 0;
}
