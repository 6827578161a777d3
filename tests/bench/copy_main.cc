// How long one request takes from its frame to the pieces of its copy: the decision, the look for a mark, the edit.
//
//   bench_copies [ROUNDS]     prints nanoseconds for a request, for some sizes
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "agent/copy_maker.h"
#include "route/snapshot.h"
#include "support/dubbo_frames.h"

namespace rpctee {
namespace {

std::shared_ptr<const route::Snapshot> MakeSnapshot(const SocketAddress& endpoint, const std::string& mark) {
  route::Route all;
  all.clusters = {"v1"};
  all.mirrors = {{.cluster = "v2", .share = {}, .origin = {}}};
  route::RouteSet set;
  set.configs = {{.name = "demo_20880", .interface_name = "", .routes = {all}, .origin = {}}};
  set.clusters = {{"v1", {{.address = endpoint}}}, {"v2", {}}};
  set.mark = {.attachment = mark, .value = "worker-1"};
  return route::Snapshot::Build(set).value();
}

// The fastest of some runs: others on the machine only add.
double NanosecondsForOne(const stream::Frame& frame, const route::Snapshot& snapshot, long rounds) {
  constexpr int kRuns = 7;
  double best = 1e9;
  agent::CopyMaker maker;
  route::Decision decision;
  size_t made = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    for (long round = 0; round < rounds; ++round) {
      protocol::Request request(frame.protocol, frame.bytes);
      snapshot.Decide(frame.flow.destination, request.fields(), 0, decision);
      if (!agent::CarriesMark(snapshot.mark(), frame.bytes, request) &&
          !maker.Make(*decision.rules[0], snapshot.mark(), frame, request)) {
        made += maker.pieces().size();
      }
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count() / static_cast<double>(rounds));
  }
  return made == 0 ? -1 : best;
}

}  // namespace
}  // namespace rpctee

int main(int argc, char** argv) {
  using namespace rpctee;
  const long rounds = argc > 1 ? std::atol(argv[1]) : 200'000;
  stream::Frame frame;
  frame.flow.destination = SocketAddress::Parse("10.0.0.2:20880").value();
  const auto marked = MakeSnapshot(frame.flow.destination, "rpctee-mirror");
  const auto unmarked = MakeSnapshot(frame.flow.destination, "");
  for (const size_t bytes : {256, 4096, 65536}) {
    const std::vector<uint8_t> request = test::DubboRequest(1, bytes);
    frame.bytes = request;
    std::printf("%6zu bytes: %6.0f ns with a mark, %6.0f ns without\n", bytes,
                NanosecondsForOne(frame, *marked, rounds), NanosecondsForOne(frame, *unmarked, rounds));
  }
  return 0;
}
