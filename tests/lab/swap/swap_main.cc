// Attaches the tap to an interface and detaches it, thousands of times, while traffic passes; ends with one JSON line.
//
// One thread, in the namespace of the interface. It waits for traffic at every checkpoint, so a run without any fails.
#include <malloc.h>
#include <net/if.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/address.h"
#include "bpf/abi/abi.h"
#include "kernel_objects.h"
#include "tap/tap.h"

namespace rpctee::swap {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr std::chrono::milliseconds kPause{1};
// Every second round goes on at once; the others let packets come, with the program there and without.
constexpr std::chrono::microseconds kHold{500};
constexpr size_t kRing = 0;  // the only one
constexpr size_t kDrainAtOnce = 4'096;
constexpr uint32_t kCheckpoints = 25;

struct SwapOptions {
  std::string interface;
  tap::AttachMode mode = tap::AttachMode::kAuto;
  uint32_t rounds = 1'000;
  uint64_t bytes_a_checkpoint = 100'000;
  bool reopen = false;  // the whole tap in each round
  SocketAddress endpoint;
};

struct SwapReport {
  uint32_t rounds = 0;
  uint64_t bytes = 0;                 // out of the interface
  uint64_t least_bytes = UINT64_MAX;  // between two checkpoints
  uint64_t packets = 0;               // that the tap saw
  uint64_t least_packets = UINT64_MAX;
  size_t descriptors_before = 0;
  size_t descriptors_after = 0;
  size_t objects_seen = 0;
  KernelObjects objects_left;
  size_t heap_bytes_early = 0;  // in use at the first checkpoint, and at the last
  size_t heap_bytes_late = 0;
  size_t mapped_bytes_early = 0;  // address space, the same
  size_t mapped_bytes_late = 0;
};

size_t HeapBytes() { return ::mallinfo2().uordblks; }

size_t MappedBytes() {
  std::ifstream file("/proc/self/statm");
  size_t pages = 0;
  file >> pages;
  return pages * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

// Bytes that went out, by /proc/net/dev of the thread's namespace.
uint64_t BytesOut(const std::string& interface) {
  std::ifstream file("/proc/thread-self/net/dev");
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name;
    fields >> name;
    if (name != interface + ":") {
      continue;
    }
    uint64_t value = 0;
    for (int i = 0; i < 9; ++i) {  // eight fields of what came in, then bytes
      fields >> value;
    }
    return value;
  }
  return 0;
}

uint64_t Counter(const tap::Tap& tap, std::string_view name) {
  const auto counters = tap.Counters();
  uint64_t value = 0;
  for (const tap::TapCounter& counter : counters ? *counters : std::vector<tap::TapCounter>{}) {
    value = counter.name == name ? counter.value : value;
  }
  return value;
}

class Swapper {
 public:
  explicit Swapper(SwapOptions options) : options_(std::move(options)) {}

  Status Run() {
    report_.descriptors_before = OpenDescriptors();
    index_ = ::if_nametoindex(options_.interface.c_str());
    Status done = OpenTap();
    checkpoint_bytes_ = first_bytes_ = BytesOut(options_.interface);
    const uint32_t rounds_a_checkpoint = std::max(1U, options_.rounds / kCheckpoints);
    for (uint32_t round = 1; done && round <= options_.rounds; ++round) {
      done = Round(round % rounds_a_checkpoint == 0, round % 2 == 0);
    }
    CloseTap();
    if (done) {
      done = WaitUntilFreed();
    }
    report_.bytes = BytesOut(options_.interface) - first_bytes_;
    report_.descriptors_after = OpenDescriptors();
    return done;
  }

  const SwapReport& report() const { return report_; }

 private:
  Status OpenTap() {
    auto tap = tap::Tap::Open({});
    if (!tap) {
      return tl::unexpected(tap.error());
    }
    tap_ = std::move(*tap);
    return tap_->SetEndpoints({{options_.endpoint, RPCTEE_THRESHOLD_ALL}});
  }

  void CloseTap() {
    if (tap_ != nullptr) {
      objects_.merge(HeldObjects());
      report_.packets += Counter(*tap_, "packets");
      tap_.reset();
    }
  }

  Status Round(bool checkpoint, bool hold) {
    if (options_.reopen && tap_ == nullptr) {
      if (Status opened = OpenTap(); !opened) {
        return opened;
      }
    }
    tap_->Heartbeat(kRing);
    const auto attached = tap_->Attach(index_, tap::Direction::kEgress, options_.mode);
    if (!attached) {
      return tl::unexpected(attached.error());
    }
    Status flowed;
    Hold(hold);
    if (checkpoint) {
      objects_.merge(HeldObjects());
      flowed = WaitForTraffic();
    }
    tap_->Detach(index_, tap::Direction::kEgress);
    Hold(hold);
    (void)tap_->Drain(kRing, kDrainAtOnce, [](const CapturedRecord&) {});
    ++report_.rounds;
    if (options_.reopen) {
      CloseTap();
    }
    if (checkpoint) {
      NoteMemory();
    }
    return flowed;
  }

  static void Hold(bool hold) {
    if (hold) {
      std::this_thread::sleep_for(kHold);
    }
  }

  void NoteMemory() {
    report_.heap_bytes_late = HeapBytes();
    report_.mapped_bytes_late = MappedBytes();
    if (report_.heap_bytes_early == 0) {
      report_.heap_bytes_early = report_.heap_bytes_late;
      report_.mapped_bytes_early = report_.mapped_bytes_late;
    }
  }

  // Attached: until traffic has passed since the last checkpoint, and the tap has seen some of it.
  Status WaitForTraffic() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    for (;;) {
      const uint64_t bytes = BytesOut(options_.interface);
      const uint64_t packets = Counter(*tap_, "packets");
      if (bytes - checkpoint_bytes_ >= options_.bytes_a_checkpoint && packets > checkpoint_packets_) {
        report_.least_bytes = std::min(report_.least_bytes, bytes - checkpoint_bytes_);
        report_.least_packets = std::min(report_.least_packets, packets - checkpoint_packets_);
        checkpoint_bytes_ = bytes;
        checkpoint_packets_ = options_.reopen ? 0 : packets;
        return {};
      }
      if (std::chrono::steady_clock::now() > deadline) {
        return Fail("no traffic after " + std::to_string(report_.rounds) +
                    " rounds: " + std::to_string(bytes - checkpoint_bytes_) + " bytes, " +
                    std::to_string(packets - checkpoint_packets_) + " packets seen");
      }
      std::this_thread::sleep_for(kPause);
    }
  }

  Status WaitUntilFreed() {
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    report_.objects_seen = objects_.size();
    do {
      report_.objects_left = Living(objects_);
      if (report_.objects_left.empty()) {
        break;
      }
      std::this_thread::sleep_for(kPause);
    } while (std::chrono::steady_clock::now() < deadline);
    return {};
  }

  SwapOptions options_;
  uint32_t index_ = 0;
  std::unique_ptr<tap::Tap> tap_;
  SwapReport report_;
  KernelObjects objects_;
  uint64_t first_bytes_ = 0;
  uint64_t checkpoint_bytes_ = 0;
  uint64_t checkpoint_packets_ = 0;
};

std::string ToJson(const SwapReport& report) {
  nlohmann::ordered_json json;
  json["rounds"] = report.rounds;
  json["bytes"] = report.bytes;
  json["least_bytes"] = report.least_bytes;
  json["packets"] = report.packets;
  json["least_packets"] = report.least_packets;
  json["descriptors_before"] = report.descriptors_before;
  json["descriptors_after"] = report.descriptors_after;
  json["objects_seen"] = report.objects_seen;
  json["objects_left"] = nlohmann::ordered_json::array();
  for (const auto& [kind, id] : report.objects_left) {
    json["objects_left"].push_back(kind + " " + std::to_string(id));
  }
  json["heap_bytes_early"] = report.heap_bytes_early;
  json["heap_bytes_late"] = report.heap_bytes_late;
  json["mapped_bytes_early"] = report.mapped_bytes_early;
  json["mapped_bytes_late"] = report.mapped_bytes_late;
  return json.dump();
}

int Complain(const Error& error) {
  std::fprintf(stderr, "rpctee-lab-swap: %s\n", error.message.c_str());
  return 1;
}

int Main(int argc, char** argv) {
  SwapOptions options;
  std::string endpoint;
  const std::map<std::string, tap::AttachMode> modes = {{"tcx", tap::AttachMode::kTcx},
                                                        {"clsact", tap::AttachMode::kClsact}};
  CLI::App app("Attaches and detaches the tap program over and over, while traffic passes.");
  app.add_option("interface", options.interface)->required();
  app.add_option("--attach", options.mode)->required()->transform(CLI::CheckedTransformer(modes));
  app.add_option("--endpoint", endpoint, "ADDR:PORT, whose requests are all sampled")->required();
  app.add_option("--rounds", options.rounds)->check(CLI::Range(1, 1'000'000))->capture_default_str();
  app.add_option("--bytes", options.bytes_a_checkpoint, "that must pass in each of 25 stretches")
      ->capture_default_str();
  app.add_flag("--reopen", options.reopen, "load the program anew in each round");
  CLI11_PARSE(app, argc, argv);
  const auto address = SocketAddress::Parse(endpoint);
  if (!address) {
    return Complain(address.error());
  }
  options.endpoint = *address;
  Swapper swapper(std::move(options));
  const Status ran = swapper.Run();
  std::puts(ToJson(swapper.report()).c_str());
  return ran ? 0 : Complain(ran.error());
}

}  // namespace
}  // namespace rpctee::swap

int main(int argc, char** argv) { return rpctee::swap::Main(argc, argv); }
