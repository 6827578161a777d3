// Any routes and any requests: a route set compiles or is refused with a reason, and what it then decides is one
// route's matter, the same each time, never less for a smaller draw, and never beyond what the tap was told to let
// through.
//
// The input makes clusters, configurations with routes and conditions of each kind, and then requests.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/fuzz_check.h"
#include "fuzz/fuzz_input.h"
#include "route/describe.h"
#include "route/snapshot.h"
#include "route/text.h"

namespace {

using rpctee::Bytes;
using rpctee::IpAddress;
using rpctee::SocketAddress;
using rpctee::fuzz::Input;
using rpctee::fuzz::Require;
using rpctee::protocol::FieldValue;
namespace route = rpctee::route;
using Kind = route::FieldMatch::Kind;
using Decided = route::Decision::Kind;

// Larger ones only make more of the same.
constexpr size_t kMaxInput = 4096;
constexpr size_t kMost = 4;  // of each kind of thing in a set
constexpr std::array<std::string_view, 4> kNames = {"interface", "method", "Trace-Id", ""};

SocketAddress Endpoint(uint8_t which) {
  return {.ip = IpAddress::FromV4(0x0100000a + (uint32_t{which} % 6 << 24)), .port = 20880};
}

std::string ClusterName(uint8_t which) { return "c" + std::to_string(which % (kMost + 1)); }

route::FieldMatch Match(Input& input) {
  const uint8_t how = input.U8();
  route::FieldMatch match;
  match.name = kNames.at(input.U8() % kNames.size());
  match.kind = static_cast<Kind>(how % 7);
  match.ignore_case = (how & 0x20) != 0;
  match.invert = (how & 0x40) != 0;
  match.treat_missing_as_empty = (how & 0x80) != 0;
  match.present = (how & 0x10) != 0;
  match.range_start = static_cast<int8_t>(input.U8());
  match.range_end = static_cast<int8_t>(input.U8());
  match.text = input.Text(input.U8());
  return match;
}

route::Route Route(Input& input) {
  route::Route made;
  for (uint8_t count = input.U8() % kMost; count > 0; --count) {
    made.matches.push_back(Match(input));
  }
  for (uint8_t count = input.U8() % kMost; count > 0; --count) {
    made.clusters.push_back(ClusterName(input.U8()));
  }
  for (uint8_t count = input.U8() % kMost; count > 0; --count) {
    made.mirrors.push_back({.cluster = ClusterName(input.U8()), .share = {input.U32() % 1'000'001}, .origin = {}});
  }
  return made;
}

route::RouteSet Routes(Input& input) {
  route::RouteSet set;
  for (size_t count = input.U8() % (kMost + 1); count > 0; --count) {
    route::Cluster cluster{.name = ClusterName(input.U8()), .endpoints = {}};
    for (uint8_t endpoints = input.U8() % kMost; endpoints > 0; --endpoints) {
      cluster.endpoints.push_back({.address = Endpoint(input.U8())});
    }
    set.clusters.push_back(std::move(cluster));
  }
  for (size_t count = input.U8() % (kMost + 1); count > 0; --count) {
    route::RouteConfig config;
    config.interface_name = input.Text(input.U8() % 8);
    config.name = config.interface_name + "_20880";
    for (size_t routes = input.U8() % (kMost + 1); routes > 0; --routes) {
      config.routes.push_back(Route(input));
    }
    set.configs.push_back(std::move(config));
  }
  return set;
}

class AnyRequest final : public rpctee::protocol::RequestView {
 public:
  explicit AnyRequest(Input& input) {
    for (Value& value : values_) {
      value.status = static_cast<FieldValue::Status>(input.U8() % 3);
      value.text = input.Text(input.U8() % 32);
    }
  }
  FieldValue Field(std::string_view name) override {
    for (size_t i = 0; i < kNames.size(); ++i) {
      if (rpctee::route::Fold(std::string(name)) == rpctee::route::Fold(std::string(kNames.at(i)))) {
        const Value& value = values_.at(i);
        return {value.status, value.status == FieldValue::Status::kPresent ? value.text : std::string_view()};
      }
    }
    return {};
  }

 private:
  struct Value {
    FieldValue::Status status = FieldValue::Status::kAbsent;
    std::string text;
  };
  std::array<Value, kNames.size()> values_;
};

void CheckDecision(const route::Snapshot& snapshot, const SocketAddress& endpoint, uint32_t draw,
                   const route::Decision& decision) {
  Require((decision.kind == Decided::kMirror) == !decision.rules.empty(), "only what is mirrored has rules");
  for (const route::Rule* rule : decision.rules) {
    Require(rule >= snapshot.rules().data() && rule < snapshot.rules().data() + snapshot.rules().size(),
            "a rule is the snapshot's own");
    Require(draw < rule->threshold, "a rule applies below its share");
    Require(draw < snapshot.ThresholdOf(endpoint), "the tap lets through what a rule applies to");
    Require(rule->route == decision.rules.front()->route && rule->config == decision.rules.front()->config,
            "the first match alone applies");
    Require(rule->cluster_index < snapshot.clusters().size(), "a rule's cluster is there");
  }
}

bool Same(const route::Decision& a, const route::Decision& b) { return a.kind == b.kind && a.rules == b.rules; }

void CheckRequest(const route::Snapshot& snapshot, Input& input) {
  const SocketAddress endpoint = Endpoint(input.U8());
  const uint32_t draw = input.U32();
  AnyRequest request(input);
  route::Decision decision;
  snapshot.Decide(endpoint, request, draw, decision);
  CheckDecision(snapshot, endpoint, draw, decision);
  route::Decision again;
  snapshot.Decide(endpoint, request, draw, again);
  Require(Same(decision, again), "the same request is decided the same");
  route::Decision lower;
  snapshot.Decide(endpoint, request, draw / 2, lower);
  CheckDecision(snapshot, endpoint, draw / 2, lower);
  Require(std::includes(lower.rules.begin(), lower.rules.end(), decision.rules.begin(), decision.rules.end()),
          "a smaller draw keeps every rule");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > kMaxInput) {
    return 0;
  }
  Input input(Bytes(data, size));
  const route::RouteSet routes = Routes(input);
  const auto snapshot = route::Snapshot::Build(routes);
  if (!snapshot) {
    Require(!snapshot.error().message.empty(), "what is refused has a reason");
    return 0;
  }
  (void)route::DescribeJson(**snapshot);
  (void)route::Concerns(**snapshot);
  do {
    CheckRequest(**snapshot, input);
  } while (!input.empty());
  return 0;
}
