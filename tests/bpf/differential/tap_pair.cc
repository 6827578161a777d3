#include "bpf/differential/tap_pair.h"

#include <algorithm>
#include <cstring>

#include "bpf/differential/session.h"
#include "bpf/kernel_backend.h"

namespace rpctee::test {
namespace {

constexpr uint64_t kLongAgo = 1;

using RecordBytes = std::vector<uint8_t>;

// The kernel's draws can't be chosen, and its clock can't be stopped. All thresholds are such that no draw matters.
void MaskDrawsAndTime(RecordBytes& bytes) {
  rpctee_record record;
  std::memcpy(&record, bytes.data(), sizeof(record));
  record.time_ns = 0;
  if (record.kind == RPCTEE_RECORD_PART || record.kind == RPCTEE_RECORD_CUT) {
    record.part.draw = 0;
  }
  std::memcpy(bytes.data(), &record, sizeof(record));
  if (record.kind == RPCTEE_RECORD_STREAM_BEGIN) {
    rpctee_flow flow;
    std::memcpy(&flow, bytes.data() + sizeof(record), sizeof(flow));
    flow.draw = 0;
    flow.random = 0;
    std::memcpy(bytes.data() + sizeof(record), &flow, sizeof(flow));
  }
}

std::string Describe(const std::map<std::string, uint64_t>& kernel, const std::map<std::string, uint64_t>& native) {
  std::string text;
  for (const auto* side : {&kernel, &native}) {
    text += side == &kernel ? "\n  counted in the kernel:" : "\n  counted natively:";
    for (const auto& [name, value] : *side) {
      text += " " + name + "=" + std::to_string(value);
    }
  }
  return text;
}

std::optional<std::string> CompareRecords(std::vector<RecordBytes>& kernel, std::vector<RecordBytes>& native) {
  for (size_t i = 0; i < std::max(kernel.size(), native.size()); ++i) {
    if (i < kernel.size() && i < native.size()) {
      MaskDrawsAndTime(kernel[i]);
      MaskDrawsAndTime(native[i]);
      if (kernel[i] == native[i]) {
        continue;
      }
    }
    return "record " + std::to_string(i) +
           " differs\n  in the kernel: " + (i < kernel.size() ? Hex(kernel[i]) : "none") +
           "\n  natively:      " + (i < native.size() ? Hex(native[i]) : "none");
  }
  return std::nullopt;
}

std::optional<std::string> CompareResults(const RunResult& kernel, const RunResult& native) {
  if (kernel.verdict != kContinue || native.verdict != kContinue) {
    return "verdict " + std::to_string(kernel.verdict) + " in the kernel, " + std::to_string(native.verdict) +
           " natively";
  }
  if (!kernel.unchanged || !native.unchanged) {
    return std::string("the packet or its context was changed ") + (native.unchanged ? "in the kernel" : "natively");
  }
  return std::nullopt;
}

}  // namespace

std::string Hex(Bytes bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

TapPair::TapPair(const TapProgramOptions& kernel, const TapProgramOptions& native)
    : kernel_(std::make_unique<KernelBackend>(kernel, KernelBackend::Loading::kFresh)),
      native_(std::make_unique<NativeBackend>(native)) {
  if (error().empty()) {
    SetUp(kernel_);
    SetUp(native_);
  }
}

void TapPair::SetUp(TapProgram& tap) {
  for (size_t family = 0; family < 2; ++family) {
    tap.Endpoint(kSampledAddresses[family], RPCTEE_THRESHOLD_ALL);
    tap.Endpoint(kUnsampledAddresses[family], 0);
    tap.OwnConnection(kOwnSources[family], kSampledAddresses[family]);
  }
  tap.Endpoint("[::]:20881", RPCTEE_THRESHOLD_ALL);
  tap.AnyEndpoint(true);
}

std::optional<std::string> TapPair::Take(std::span<const Step> steps) {
  std::optional<std::string> difference;
  for (size_t at = 0; at < steps.size() && !difference;) {
    const auto from = steps.begin() + static_cast<std::ptrdiff_t>(at);
    const auto to = std::find_if(from, steps.end(), [](const Step& step) { return step.kind != Step::kPacket; });
    difference = Run({from, to});
    at = static_cast<size_t>(to - steps.begin());
    if (at == steps.size() || difference) {
      break;
    }
    const Step& step = steps[at++];
    if (step.kind == Step::kDrain || step.kind == Step::kHandBack || step.kind == Step::kGiveUp) {
      difference = Compare();
    }
    Say(step);
  }
  return difference ? difference : Compare();
}

std::optional<std::string> TapPair::Run(std::span<const Step> packets) {
  using Time = std::chrono::steady_clock;
  results_.clear();
  const auto begin = Time::now();
  for (const Step& step : packets) {
    results_.push_back(kernel_.Run(step.packet, step.context));
  }
  const auto middle = Time::now();
  std::optional<std::string> difference;
  for (size_t i = 0; i < packets.size() && !difference; ++i) {
    if (results_[i].refused) {
      ++counts_.refused;
      continue;
    }
    ++counts_.packets;
    difference = CompareResults(results_[i], native_.Run(packets[i].packet, packets[i].context));
  }
  counts_.kernel_time += middle - begin;
  counts_.native_time += Time::now() - middle;
  return difference;
}

std::optional<std::string> TapPair::Compare() {
  TapProgram::Copied kernel = kernel_.Records();
  TapProgram::Copied native = native_.Records();
  const auto kernel_counted = kernel_.Counted();
  const auto native_counted = native_.Counted();
  counts_.records += kernel.records;
  for (const auto& [name, value] : kernel_counted) {
    counts_.counted[name] += value;
  }
  holes_ = kernel.stream.empty() ? std::nullopt : std::optional(kernel.stream.back().holes);
  std::optional<std::string> difference = CompareRecords(kernel.raw, native.raw);
  if (!difference && kernel_counted != native_counted) {
    difference = "the counters differ";
  }
  if (!difference && kernel_.asleep() != native_.asleep()) {
    difference = "one woke the agent";
  }
  return difference ? *difference + Describe(kernel_counted, native_counted) : difference;
}

void TapPair::Say(const Step& step) {
  for (TapProgram* const tap : {&kernel_, &native_}) {
    if (step.kind == Step::kHandBack && holes_) {
      tap->HandBack(*holes_);
    } else if (step.kind == Step::kGiveUp && holes_) {
      tap->GiveUp();
    } else if (step.kind == Step::kGoOn && holes_) {
      tap->GoOn();
    } else if (step.kind == Step::kIgnore && holes_) {
      tap->Ignore(RPCTEE_CONTENT_TLS);
    } else if (step.kind == Step::kJoinsSpent) {
      tap->JoinsLeft(0);
    } else if (step.kind == Step::kAsleep) {
      tap->Asleep(true);
    } else if (step.kind == Step::kHeartbeatStale || step.kind == Step::kHeartbeatFresh) {
      tap->Heartbeat(step.kind == Step::kHeartbeatFresh ? kNeverStale : kLongAgo);
    }
  }
}

void TapPair::Forget() {
  for (TapProgram* const tap : {&kernel_, &native_}) {
    tap->Forget();
    tap->Asleep(false);
    tap->Heartbeat(kNeverStale);
  }
  holes_ = std::nullopt;
}

}  // namespace rpctee::test
