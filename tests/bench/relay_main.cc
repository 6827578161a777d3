// rpctee-bench-relay: how fast one worker brings requests from the ring to a mirror's socket, beside a loop that copies
// the same bytes from socket to socket, in turn. Prints one JSON line for each round of each case. Run by
// scripts/bench.sh.
//
// Measured: taking records from the ring, framing, the route's decision, the copy with its new id, sending, reading and
// matching the answer. Left out: waking up, and packets that come in meanwhile: the ring is filled first, by the real
// tap program, then emptied. The sink runs on the second CPU, over the loopback device, whose receiving half runs in
// the sender's system call, for the loop as for the relay.
#include <linux/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "copy_path.h"
#include "cpu.h"
#include "relay_path.h"
#include "sink.h"

namespace rpctee::bench {
namespace {

constexpr int kWorkerCpu = 0;
constexpr int kSinkCpu = 1;
constexpr uint64_t kWarmUpBytes = 16 << 20;

struct Case {
  const char* name;
  size_t request_bytes;
  std::vector<route::FieldMatch> matches;
  route::Mark mark;
};

std::vector<Case> Cases() {
  using Kind = route::FieldMatch::Kind;
  const std::vector<route::FieldMatch> fields = {{.name = "method", .kind = Kind::kExact, .text = "echo"},
                                                 {.name = "env", .kind = Kind::kExact, .text = "gray"}};
  const route::Mark mark = {.attachment = "rpctee-mirror", .value = "worker-1"};
  return {{"256 B, every request", 256, {}, {}},
          {"256 B, by method and attachment", 256, fields, {}},
          {"256 B, with the mark", 256, {}, mark},
          {"4 KiB, every request", 4096, {}, {}},
          {"4 KiB, by method and attachment", 4096, fields, {}},
          {"4 KiB, with the mark", 4096, {}, mark}};
}

// Neither the mirrors' port nor the traffic is anybody else's.
Status EnterOwnNetwork() {
  if (::unshare(CLONE_NEWNET) != 0) {
    return FailErrno("make a network namespace", errno);
  }
  const Fd control(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP;
  if (!control.valid() || ::ioctl(control.get(), SIOCSIFFLAGS, &request) != 0) {
    return FailErrno("bring the loopback device up", errno);
  }
  return {};
}

struct Lane {
  Case shape;
  std::unique_ptr<RelayPath> relay;
  LedgerCounts before;
};

nlohmann::ordered_json ToJson(const Took& took) { return {{"wall_ns", took.wall_ns}, {"cpu_ns", took.cpu_ns}}; }

uint64_t Answered(const LedgerCounts& counts) {
  return counts.copy_outcomes[static_cast<size_t>(CopyOutcome::answered_ok)];
}

Status Measure(uint32_t round, Lane& lane, CopyPath& copy, uint64_t bytes) {
  Result<Took> relayed;
  Result<Took> copied;
  // A B, then B A: what drifts with time falls out.
  for (const bool relays : {round % 2 == 0, round % 2 != 0}) {
    if (relays) {
      relayed = lane.relay->Run(bytes);
    } else {
      copied = copy.Run(lane.relay->wire(), bytes);
    }
  }
  if (!relayed || !copied) {
    return tl::unexpected((relayed ? copied : relayed).error());
  }
  const LedgerCounts now = lane.relay->Counts();
  const uint64_t copies = now.copies - lane.before.copies;
  const nlohmann::ordered_json line = {{"round", round},
                                       {"case", lane.shape.name},
                                       {"request_bytes", lane.shape.request_bytes},
                                       {"copies", copies},
                                       {"answered", Answered(now) - Answered(lane.before)},
                                       {"relay", ToJson(*relayed)},
                                       {"copied_bytes", bytes},
                                       {"copy", ToJson(*copied)}};
  lane.before = now;
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
  return {};
}

Result<std::vector<Lane>> OpenLanes(const std::string& only, const Sink& sink, CopyPath& copy) {
  std::vector<Lane> lanes;
  for (const Case& shape : Cases()) {
    if (std::string_view(shape.name).find(only) == std::string_view::npos) {
      continue;
    }
    auto relay =
        RelayPath::Open({.request_bytes = shape.request_bytes, .matches = shape.matches, .mark = shape.mark}, sink);
    if (!relay) {
      return WithContext(shape.name, relay.error());
    }
    Lane lane{.shape = shape, .relay = std::move(*relay), .before = {}};
    const Result<Took> relayed = lane.relay->Run(kWarmUpBytes);
    const Result<Took> copied = copy.Run(lane.relay->wire(), kWarmUpBytes);
    if (!relayed || !copied) {
      return WithContext(shape.name, (relayed ? copied : relayed).error());
    }
    lane.before = lane.relay->Counts();
    lanes.push_back(std::move(lane));
  }
  return lanes;
}

Status Prepare() {
  if (std::thread::hardware_concurrency() < 2) {
    return Fail("needs two CPUs");
  }
  if (const Status entered = EnterOwnNetwork(); !entered) {
    return entered;
  }
  return RunOnCpu(kWorkerCpu);
}

Status Run(uint32_t rounds, uint64_t bytes, const std::string& only) {
  if (const Status prepared = Prepare(); !prepared) {
    return prepared;
  }
  const auto answering = Sink::Start(kSinkCpu, true);
  const auto silent = Sink::Start(kSinkCpu, false);
  if (!answering || !silent) {
    return tl::unexpected((answering ? silent : answering).error());
  }
  Result<CopyPath> copy = CopyPath::Open(**silent);
  if (!copy) {
    return tl::unexpected(copy.error());
  }
  Result<std::vector<Lane>> lanes = OpenLanes(only, **answering, *copy);
  if (!lanes) {
    return tl::unexpected(lanes.error());
  }
  for (uint32_t round = 0; round < rounds; ++round) {
    for (Lane& lane : *lanes) {
      if (const Status measured = Measure(round, lane, *copy, bytes); !measured) {
        return WithContext(lane.shape.name, measured.error());
      }
    }
  }
  return {};
}

}  // namespace
}  // namespace rpctee::bench

int main(int argc, char** argv) {
  uint32_t rounds = 10;
  uint64_t megabytes = 128;
  std::string only;
  CLI::App app("Measures the worker's way from the ring to a mirror beside a copying loop.");
  app.add_option("--rounds", rounds)->capture_default_str();
  app.add_option("--megabytes", megabytes, "of requests in each round of each case")->capture_default_str();
  app.add_option("--only", only, "only the cases with this in their names");
  CLI11_PARSE(app, argc, argv);
  if (const rpctee::Status ran = rpctee::bench::Run(rounds, megabytes << 20, only); !ran) {
    std::fprintf(stderr, "rpctee-bench-relay: %s\n", ran.error().message.c_str());
    return 1;
  }
  return 0;
}
