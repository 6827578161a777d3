// Any bytes as records of the ring, on their whole way through the agent: what is no record is passed over, what is one
// says nothing that its bytes do not hold, and after each the books balance.
//
// The input is a row of records, each with its length in front.
#include "agent/pipeline.h"
#include "fuzz/fuzz_check.h"
#include "fuzz/fuzz_input.h"
#include "support/no_flow_control.h"
#include "tap/record.h"

namespace {

using rpctee::Bytes;
using rpctee::CapturedPart;
using rpctee::CapturedRecord;
using rpctee::CapturedStream;
using rpctee::SocketAddress;
using rpctee::TimePoint;
using rpctee::fuzz::Input;
using rpctee::fuzz::Require;
namespace agent = rpctee::agent;
namespace route = rpctee::route;

constexpr size_t kMaxInput = 64 * 1024;

// Reads fields of every request; 10.0.0.2:20880 is the endpoint.
std::shared_ptr<const route::Snapshot> Snapshot() {
  using Kind = route::FieldMatch::Kind;
  route::Route by_field;
  by_field.matches = {{.name = "method", .kind = Kind::kPrefix, .text = "say"},
                      {.name = "trace-id", .kind = Kind::kPresent}};
  by_field.clusters = {"v1"};
  by_field.mirrors = {{.cluster = "v2", .share = {}, .origin = {}}};
  route::RouteSet set;
  set.configs = {{.name = "a_20880", .interface_name = "a", .routes = {by_field}, .origin = {}},
                 {.name = "b_20880", .interface_name = "b", .routes = {by_field}, .origin = {}}};
  set.clusters = {{"v1", {{.address = SocketAddress::Parse("10.0.0.2:20880").value()}}},
                  {"v2", {{.address = SocketAddress::Parse("10.0.0.3:20880").value()}}}};
  return route::Snapshot::Build(set).value();
}

void CheckRecord(const CapturedRecord& record, Bytes bytes) {
  if (const auto* part = std::get_if<CapturedPart>(&record)) {
    Require(part->bytes.size() <= bytes.size(), "a part's bytes are the record's");
    Require(
        part->is_cut || (part->offset <= part->frame_bytes && part->bytes.size() <= part->frame_bytes - part->offset),
        "a part lies in its request");
    Require(part->is_cut == (part->bytes.empty() && part->is_cut), "a cut has no bytes");
  } else {
    const auto& stream = std::get<CapturedStream>(record);
    Require(stream.bytes.size() <= bytes.size(), "a stream's bytes are the record's");
    Require(stream.header_have < stream.header.size() && stream.frame_left <= stream.frame_bytes,
            "what is told of a header fits it");
  }
}

class Run {
 public:
  Run() {
    static const auto snapshot = Snapshot();
    pipeline_.SetSnapshot(snapshot);
  }
  void Take(Bytes bytes) {
    CapturedRecord record;
    if (!rpctee::tap::ParseRecord(bytes, record)) {
      return;
    }
    CheckRecord(record, bytes);
    const auto* part = std::get_if<CapturedPart>(&record);
    from_tap_ += part != nullptr && !part->is_cut && part->offset == 0 ? 1 : 0;
    pipeline_.Take(record, now_);
    now_ += std::chrono::milliseconds(1);
    pipeline_.Expire(now_);
    Check();
  }
  void Finish() {
    pipeline_.FinishFlows(now_);
    Check();
    pipeline_.Stop();
    Check();
    Require(pipeline_.open() == 0, "in the end nothing is open");
  }

 private:
  void Check() {
    ledger_.SetOpen(pipeline_.open());
    Require(MakeReport({.seen = from_tap_, .sampled = from_tap_}, ledger_.Counts(), false).Balanced(),
            "the books balance");
  }

  rpctee::Ledger ledger_;
  rpctee::test::NoFlowControl flow_control_;
  agent::Pipeline pipeline_{
      ledger_,
      nullptr,
      flow_control_,
      {.limits = {.max_bytes = 64 * 1024}, .stream_limits = {.max_bytes = 64 * 1024, .max_flows = 8}, .dry_run = true}};
  TimePoint now_{std::chrono::seconds(1'000)};
  uint64_t from_tap_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > kMaxInput) {
    return 0;
  }
  Input input(Bytes(data, size));
  Run run;
  while (!input.empty()) {
    run.Take(input.Some(input.U16()));
  }
  run.Finish();
  return 0;
}
