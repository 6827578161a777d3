#include "agent/silence_watch.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace rpctee::agent {
namespace {

constexpr size_t kMostNamed = 4;
constexpr Duration kFirstLook = std::chrono::seconds(1);

int64_t Seconds(Duration duration) { return std::chrono::duration_cast<std::chrono::seconds>(duration).count(); }

}  // namespace

SilenceWatch::SilenceWatch(const tap::Tap& tap, SilenceOptions options)
    : tap_(tap), options_(options), judge_(options.min_bytes, options.max_cursors) {
  if (options_.interval > Duration::zero()) {
    thread_ = std::thread([this] { Run(); });
  }
}

SilenceWatch::~SilenceWatch() { Stop(); }

void SilenceWatch::SetEndpoints(const std::vector<route::EndpointThreshold>& endpoints) {
  const std::lock_guard lock(mutex_);
  endpoints_.clear();
  for (const route::EndpointThreshold& endpoint : endpoints) {
    endpoints_.insert(endpoint.address);
  }
}

std::vector<SocketAddress> SilenceWatch::Silent() const {
  const std::lock_guard lock(mutex_);
  return silent_;
}

void SilenceWatch::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void SilenceWatch::Run() {
  for (Duration pause = std::min(kFirstLook, options_.interval);; pause = options_.interval) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, pause, [this] { return stop_.load(); })) {
        return;
      }
    }
    if (const Status looked = Look(); !looked) {
      spdlog::error("{}; no longer looking whether the tap is silent", looked.error().message);
      return;
    }
  }
}

Status SilenceWatch::Look() {
  std::unordered_set<SocketAddress> endpoints;
  {
    const std::lock_guard lock(mutex_);
    endpoints = endpoints_;
  }
  SilenceLook look;
  const Result<SilenceLook::Counts> before = ReadCounts();
  const Result<tap::SocketScan> scan = tap::ScanSockets(endpoints, {}, stop_);
  if (!scan) {
    return tl::unexpected(scan.error());
  }
  if (!endpoints.empty()) {
    TellOnce(*scan);
  }
  for (const tap::EndpointSocket& socket : scan->sockets) {
    const auto flow = tap_.LookUpFlow({.source = socket.remote, .destination = socket.local});
    look.connections.push_back({.cookie = socket.cookie,
                                .endpoint = socket.local,
                                .received = socket.bytes_received,
                                .own = tap_.IsOwnConnection(socket.remote, socket.local),
                                .mark = flow ? std::optional(flow->mark) : std::nullopt,
                                .ignored = flow && flow->ignored});
  }
  const Result<SilenceLook::Counts> after = ReadCounts();
  if (!before || !after) {
    return tl::unexpected(before ? after.error() : before.error());
  }
  look.before = *before;
  look.after = *after;
  Report(judge_.Judge(look, endpoints));
  const std::lock_guard lock(mutex_);
  silent_.assign(judge_.silent().begin(), judge_.silent().end());
  return {};
}

Result<SilenceLook::Counts> SilenceWatch::ReadCounts() const {
  const Result<std::vector<tap::TapCounter>> counters = tap_.Counters();
  if (!counters) {
    return tl::unexpected(counters.error());
  }
  SilenceLook::Counts counts;
  for (const tap::TapCounter& counter : *counters) {
    if (counter.name == "endpoint_bytes") {
      counts.endpoint_bytes = counter.value;
    } else if (counter.name == "heartbeat_stale") {
      counts.heartbeat_stale = counter.value;
    }
  }
  return counts;
}

void SilenceWatch::TellOnce(const tap::SocketScan& scan) {
  if (!told_) {
    told_ = true;
    spdlog::info("looking every {} s whether endpoints receive what the tap does not see, here and in {} pods{}{}",
                 Seconds(options_.interval), scan.pods,
                 scan.not_entered.empty() ? "" : "; not in all that there are: ", scan.not_entered);
  }
  if (scan.cut_short && !told_cut_short_ && !stop_) {
    told_cut_short_ = true;
    spdlog::info("there are too many sockets or pods to look at all of them; only some are");
  }
}

void SilenceWatch::Report(const std::vector<SilenceJudge::Change>& changes) const {
  std::string silent, heard;
  size_t silent_count = 0, heard_count = 0;
  for (const SilenceJudge::Change& change : changes) {
    if (change.silent && silent_count++ < kMostNamed) {
      silent +=
          fmt::format("{}{} received {} bytes in {} s, of which the tap saw {} at most", silent.empty() ? "" : ", ",
                      change.endpoint.ToString(), change.received, Seconds(options_.interval), change.seen_at_most);
    } else if (!change.silent && heard_count++ < kMostNamed) {
      heard += (heard.empty() ? "" : ", ") + change.endpoint.ToString();
    }
  }
  const auto more = [](size_t count) {
    return count > kMostNamed ? fmt::format(", and {} more", count - kMostNamed) : std::string();
  };
  if (silent_count != 0) {
    spdlog::warn(
        "silent: {}{}: these requests are not mirrored. Is the pod's interface among tap.interfaces, and tap.direction "
        "right? Does another program lead packets past it (bpf_redirect_peer), or end their way in front of it (kill "
        "-USR1 names who stands there)?",
        silent, more(silent_count));
  }
  if (heard_count != 0) {
    spdlog::info("no longer silent: {}{}", heard, more(heard_count));
  }
}

}  // namespace rpctee::agent
