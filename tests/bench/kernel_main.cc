// rpctee-bench-kernel: sends packets past the tap and an empty program at the same place, and prints what the kernel
// says of both, with what the tap counted, as one JSON line for each round of each case. Run by scripts/bench.sh.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/result.h"
#include "bpf/abi/abi.h"
#include "dubbo_wire.h"
#include "empty_program.h"
#include "pipe.h"

namespace rpctee::bench {
namespace {

using std::chrono::milliseconds;

constexpr uint16_t kSampledPort = 20880;    // 100 %
constexpr uint16_t kUnsampledPort = 20881;  // 0.0001 %
constexpr uint16_t kOtherPort = 20882;      // no endpoint
constexpr size_t kSmall = 256;
constexpr size_t kBulk = size_t{64} * 1024;
// Before a round is measured: wakes the agent's worker, and lets TCP find its window again.
constexpr uint32_t kWarmUpWrites = 20;
// Longer than a worker goes on looking at the ring before it asks to be woken.
constexpr milliseconds kFallAsleep{30};
// The worker empties the ring in between.
constexpr milliseconds kBetweenCases{5};

struct Case {
  const char* name;
  uint16_t port;
  size_t request_bytes;
  uint32_t requests_a_write;
  uint32_t writes;
  milliseconds pause;  // before each write
};

// Sampled cases are short: what one round captures fits into the ring twice, so nothing is lost however late the agent
// comes to run.
constexpr Case kCases[] = {
    {"other port, 256 B requests", kOtherPort, kSmall, 1, 20'000, milliseconds(0)},
    {"0.0001 %, one 256 B request a packet", kUnsampledPort, kSmall, 1, 20'000, milliseconds(0)},
    {"0.0001 %, pipelined 256 B requests", kUnsampledPort, kSmall, 64, 1'000, milliseconds(0)},
    {"0.0001 %, 64 KiB requests", kUnsampledPort, kBulk, 1, 500, milliseconds(0)},
    {"100 %, one 256 B request a packet", kSampledPort, kSmall, 1, 10'000, milliseconds(0)},
    {"100 %, pipelined 256 B requests", kSampledPort, kSmall, 64, 160, milliseconds(0)},
    {"100 %, 64 KiB requests", kSampledPort, kBulk, 1, 50, milliseconds(0)},
    {"100 %, one 256 B request, worker asleep", kSampledPort, kSmall, 1, 12, kFallAsleep},
};

struct Options {
  std::string sender_namespace;
  std::string receiver_namespace;
  std::string node_namespace;
  std::string address;
  std::string pins;
  uint32_t rounds = 10;
  Hook hook;
};

// One request of that many bytes, header included.
std::string MakeRequest(size_t bytes) {
  const std::string prefix = sample::CallPrefix("bench.sampled", "0.0.0", "echo");
  const std::string suffix = sample::CallSuffix({{"path", "bench.sampled"}});
  std::string frame;
  size_t argument_bytes = 0;
  // The length of the argument's own length depends on it.
  for (int i = 0; i < 3; ++i) {
    frame.clear();
    const size_t begin = sample::BeginFrame(frame, {.request = true, .two_way = true});
    frame += prefix;
    sample::AppendString(frame, std::string(argument_bytes, 'x'));
    frame += suffix;
    sample::EndFrame(frame, begin);
    argument_bytes += bytes - frame.size();
  }
  return frame;
}

using Counters = std::map<std::string, uint64_t>;

Result<Counters> ReadCounters(int map_fd) {
  std::vector<rpctee_counters> elements(static_cast<size_t>(libbpf_num_possible_cpus()));
  const uint32_t zero = 0;
  if (bpf_map_lookup_elem(map_fd, &zero, elements.data()) != 0) {
    return FailErrno("read the tap's counters", errno);
  }
  Counters sum;
  for (const rpctee_counters& element : elements) {
#define RPCTEE_ADD(name, help) sum[#name] += element.name;
    RPCTEE_TAP_COUNTERS(RPCTEE_ADD)
#undef RPCTEE_ADD
  }
  return sum;
}

struct Reading {
  RunTime tap;
  RunTime empty;
  Counters counters;
};

class KernelBench {
 public:
  static Result<KernelBench> Open(const Options& options);
  Status Run(uint32_t rounds);

 private:
  struct Lane {
    const Case* shape;
    std::string write;
    Pipe pipe;
  };

  Status Start(const Options& options);
  Status Measure(uint32_t round, Lane& lane);
  static Status Send(Lane& lane, uint32_t writes);
  Result<Reading> Read() const;

  Fd tap_;
  Fd counters_;
  Fd statistics_;
  std::unique_ptr<EmptyProgram> empty_;
  std::vector<Lane> lanes_;
};

Result<KernelBench> KernelBench::Open(const Options& options) {
  KernelBench bench;
  if (const Status started = bench.Start(options); !started) {
    return tl::unexpected(started.error());
  }
  for (const Case& shape : kCases) {
    const auto to = SocketAddress::Parse(options.address + ":" + std::to_string(shape.port));
    if (!to) {
      return tl::unexpected(to.error());
    }
    auto pipe = Pipe::Open(options.sender_namespace, options.receiver_namespace, *to);
    if (!pipe) {
      return tl::unexpected(pipe.error());
    }
    const std::string request = MakeRequest(shape.request_bytes);
    Lane lane{.shape = &shape, .write = {}, .pipe = std::move(*pipe)};
    for (uint32_t i = 0; i < shape.requests_a_write; ++i) {
      lane.write += request;
    }
    bench.lanes_.push_back(std::move(lane));
  }
  return bench;
}

Status KernelBench::Start(const Options& options) {
  for (const auto& [name, fd] : {std::pair{"counters", &counters_}, {"program", &tap_}}) {
    const std::string path = options.pins + "/" + name;
    fd->Reset(bpf_obj_get(path.c_str()));
    if (!fd->valid()) {
      return FailErrno("open " + path, errno);
    }
  }
  if (const Status entered = EnterNamespace(options.node_namespace); !entered) {
    return entered;
  }
  Result<std::unique_ptr<EmptyProgram>> empty = EmptyProgram::Attach(options.hook);
  if (!empty) {
    return tl::unexpected(empty.error());
  }
  empty_ = std::move(*empty);
  // Like the sysctl kernel.bpf_stats_enabled, but ends with this process however it ends.
  statistics_.Reset(bpf_enable_stats(BPF_STATS_RUN_TIME));
  if (!statistics_.valid()) {
    return FailErrno("switch run time statistics on", errno);
  }
  return {};
}

Status KernelBench::Run(uint32_t rounds) {
  for (uint32_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < lanes_.size(); ++i) {
      // Each second round backwards, so that no case always follows the same other one.
      Lane& lane = lanes_[round % 2 == 0 ? i : lanes_.size() - 1 - i];
      if (const Status measured = Measure(round, lane); !measured) {
        return WithContext(lane.shape->name, measured.error());
      }
    }
  }
  return {};
}

Status KernelBench::Measure(uint32_t round, Lane& lane) {
  if (lane.shape->pause == milliseconds(0)) {
    if (const Status sent = Send(lane, kWarmUpWrites); !sent) {
      return sent;
    }
  }
  const Result<Reading> before = Read();
  if (!before) {
    return tl::unexpected(before.error());
  }
  if (const Status sent = Send(lane, lane.shape->writes); !sent) {
    return sent;
  }
  const Result<Reading> after = Read();
  if (!after) {
    return tl::unexpected(after.error());
  }
  nlohmann::ordered_json counted;
  for (const auto& [name, value] : after->counters) {
    if (const uint64_t delta = value - before->counters.at(name); delta != 0) {
      counted[name] = delta;
    }
  }
  const nlohmann::ordered_json line = {
      {"round", round},
      {"case", lane.shape->name},
      {"tap_ns", after->tap.ns - before->tap.ns},
      {"tap_runs", after->tap.runs - before->tap.runs},
      {"empty_ns", after->empty.ns - before->empty.ns},
      {"empty_runs", after->empty.runs - before->empty.runs},
      {"counters", counted},
  };
  std::printf("%s\n", line.dump().c_str());
  std::fflush(stdout);
  std::this_thread::sleep_for(kBetweenCases);
  return {};
}

Status KernelBench::Send(Lane& lane, uint32_t writes) {
  for (uint32_t i = 0; i < writes; ++i) {
    if (lane.shape->pause != milliseconds(0)) {
      std::this_thread::sleep_for(lane.shape->pause);
    }
    if (const Status passed = lane.pipe.Pass(lane.write); !passed) {
      return passed;
    }
  }
  return {};
}

Result<Reading> KernelBench::Read() const {
  const Result<RunTime> tap = ReadRunTime(tap_.get());
  const Result<RunTime> empty = ReadRunTime(empty_->fd());
  Result<Counters> counters = ReadCounters(counters_.get());
  if (!tap || !empty) {
    return tl::unexpected((tap ? empty : tap).error());
  }
  if (!counters) {
    return tl::unexpected(counters.error());
  }
  return Reading{.tap = *tap, .empty = *empty, .counters = std::move(*counters)};
}

}  // namespace
}  // namespace rpctee::bench

int main(int argc, char** argv) {
  rpctee::bench::Options options;
  options.hook.interface = "vethv1";
  CLI::App app("Measures the tap program beside an empty one.");
  app.add_option("--sender-namespace", options.sender_namespace, "file below /run/netns")->required();
  app.add_option("--receiver-namespace", options.receiver_namespace, "file below /run/netns")->required();
  app.add_option("--node-namespace", options.node_namespace, "where the tap is attached")->required();
  app.add_option("--address", options.address, "IPv4 address of the receiver")->required();
  app.add_option("--pins", options.pins, "directory where the agent pinned its program and maps")->required();
  app.add_option("--interface", options.hook.interface, "where the tap is attached")->capture_default_str();
  app.add_option("--rounds", options.rounds)->capture_default_str();
  app.add_flag("--tcx", options.hook.tcx, "attach by tcx and not by clsact");
  app.add_flag("--ingress", options.hook.ingress);
  CLI11_PARSE(app, argc, argv);

  auto bench = rpctee::bench::KernelBench::Open(options);
  const rpctee::Status status = bench ? bench->Run(options.rounds) : tl::unexpected(bench.error());
  if (!status) {
    std::fprintf(stderr, "rpctee-bench-kernel: %s\n", status.error().message.c_str());
    return 1;
  }
  return 0;
}
