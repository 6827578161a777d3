#include "base/ledger.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

#include "base/report_line.h"

namespace rpctee {
namespace {

#define RPCTEE_NAME(name, ...) #name,
constexpr std::array<std::string_view, kRequestOutcomes> kRequestNames = {RPCTEE_REQUEST_OUTCOMES(RPCTEE_NAME)};
constexpr std::array<std::string_view, kCopyOutcomes> kCopyNames = {RPCTEE_COPY_OUTCOMES(RPCTEE_NAME)};
#undef RPCTEE_NAME

template <size_t N>
uint64_t Sum(const std::array<uint64_t, N>& values) {
  return std::accumulate(values.begin(), values.end(), uint64_t{0});
}

template <size_t N>
void AddTo(std::array<uint64_t, N>& sums, const std::array<uint64_t, N>& values) {
  std::transform(values.begin(), values.end(), sums.begin(), sums.begin(), std::plus<>());
}

struct Line {
  std::string_view name;
  uint64_t value;
  bool always;  // shown even when zero
};

// Every number of the report in the order of a request's way. Both text and JSON are made from it.
std::vector<Line> Lines(const LedgerReport& report) {
  std::vector<Line> lines = {{"seen", report.seen, true}, {"sampled", report.sampled, true}};
  lines.push_back({"received", report.received, false});
  lines.push_back({"in_ring", report.in_ring, false});
  for (size_t i = 0; i < kRequestOutcomes; ++i) {
    lines.push_back({kRequestNames[i], report.requests[i], false});
  }
  lines.push_back({"open", report.open, false});
  lines.push_back({"copies", report.copies, true});
  lines.push_back({"sent", report.sent, true});
  lines.push_back({"unmarked", report.unmarked, false});
  for (size_t i = 0; i < kCopyOutcomes; ++i) {
    lines.push_back({kCopyNames[i], report.copy_outcomes[i], false});
  }
  lines.push_back({"in_flight", report.in_flight, false});
  return lines;
}

}  // namespace

std::string_view Name(RequestOutcome outcome) { return kRequestNames.at(static_cast<size_t>(outcome)); }
std::string_view Name(CopyOutcome outcome) { return kCopyNames.at(static_cast<size_t>(outcome)); }

bool LedgerReport::Balanced() const {
  const bool nothing_left = in_ring == 0 && open == 0 && in_flight == 0;
  return received <= sampled && seen == Sum(requests) + open + in_ring && copies == Sum(copy_outcomes) + in_flight &&
         (!settled || nothing_left);
}

namespace {

// Names come from users' files.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
    }
    const bool is_control = static_cast<unsigned char>(c) < 0x20;
    quoted += is_control ? ' ' : c;
  }
  return quoted + "\"";
}

std::string Microseconds(const LatencyHistogram& latency, double share) {
  return std::to_string(static_cast<uint64_t>(latency.QuantileUs(share)));
}

std::string ToText(const RuleCounts& row) {
  const bool is_other = row.rule == RuleName();
  std::string text =
      "  rule " + (is_other ? "(other)" : row.rule.config + " " + row.rule.route + " to " + row.rule.cluster);
  text += (row.endpoint ? " at " + row.endpoint->ToString() : "") + ": sent " + std::to_string(row.sent);
  for (size_t i = 0; i < kCopyOutcomes; ++i) {
    if (row.ends[i] != 0) {
      text += ", " + std::string(kCopyNames[i]) + " " + std::to_string(row.ends[i]);
    }
  }
  if (row.latency.count() != 0) {
    text += ", answers in us p50 " + Microseconds(row.latency, 0.5) + " p99 " + Microseconds(row.latency, 0.99);
  }
  return text + "\n";
}

// [lower end of the bucket in us, count] of those that are not empty.
std::string BucketsToJson(const LatencyHistogram& latency) {
  std::string json;
  for (unsigned bucket = 0; bucket < LatencyHistogram::kBuckets; ++bucket) {
    if (const uint64_t count = latency.buckets().at(bucket); count != 0) {
      json += (json.empty() ? "[" : ",[") + std::to_string(rpctee_latency_floor_us(bucket)) + "," +
              std::to_string(count) + "]";
    }
  }
  return "[" + json + "]";
}

std::string ToJson(const RuleCounts& row) {
  std::string json = "{\"config\":" + Quoted(row.rule.config) + ",\"route\":" + Quoted(row.rule.route) +
                     ",\"cluster\":" + Quoted(row.rule.cluster) +
                     ",\"endpoint\":" + (row.endpoint ? Quoted(row.endpoint->ToString()) : "null") +
                     ",\"sent\":" + std::to_string(row.sent);
  for (size_t i = 0; i < kCopyOutcomes; ++i) {
    json += ",\"" + std::string(kCopyNames[i]) + "\":" + std::to_string(row.ends[i]);
  }
  return json + ",\"answer_us_p50\":" + Microseconds(row.latency, 0.5) +
         ",\"answer_us_p99\":" + Microseconds(row.latency, 0.99) +
         ",\"answer_us_buckets\":" + BucketsToJson(row.latency) + "}";
}

std::string ToJson(const MirrorCounts& row) { return row.ToJson(); }

template <typename Row>
std::string RowsToJson(const std::vector<Row>& rows) {
  std::string json;
  for (const Row& row : rows) {
    json += (json.empty() ? "" : ",") + ToJson(row);
  }
  return "[" + json + "]";
}

}  // namespace

std::string LedgerReport::ToText() const {
  std::string text;
  for (const Line& line : Lines(*this)) {
    if (line.always || line.value != 0) {
      text += ReportLine(line.name, std::to_string(line.value));
    }
  }
  for (const RuleCounts& row : rules) {
    text += rpctee::ToText(row);
  }
  for (const MirrorCounts& row : mirrors) {
    text += row.ToText();
  }
  return text + ReportLine("balanced", Balanced() ? "yes" : "NO");
}

std::string LedgerReport::ToJson() const {
  std::string json = "{";
  for (const Line& line : Lines(*this)) {
    json += "\"" + std::string(line.name) + "\":" + std::to_string(line.value) + ",";
  }
  return json + "\"rules\":" + RowsToJson(rules) + ",\"mirrors\":" + RowsToJson(mirrors) +
         ",\"balanced\":" + (Balanced() ? "true" : "false") + "}";
}

LedgerCounts& LedgerCounts::operator+=(const LedgerCounts& other) {
  stream_seen += other.stream_seen;
  stream_sampled += other.stream_sampled;
  received += other.received;
  AddTo(requests, other.requests);
  open += other.open;
  copies += other.copies;
  sent += other.sent;
  unmarked += other.unmarked;
  AddTo(copy_outcomes, other.copy_outcomes);
  in_flight += other.in_flight;
  AddRows(rules, other.rules);
  AddRows(mirrors, other.mirrors);
  return *this;
}

LedgerReport MakeReport(const TapTotals& tap, const LedgerCounts& agent, bool settled) {
  LedgerReport report;
  report.settled = settled;
  report.seen = tap.seen + agent.stream_seen;
  report.sampled = tap.sampled + agent.stream_sampled;
  report.received = agent.received;
  report.in_ring = report.sampled - std::min(report.sampled, report.received);
  report.requests = agent.requests;
  report.open = agent.open;
  report.copies = agent.copies;
  report.sent = agent.sent;
  report.unmarked = agent.unmarked;
  report.copy_outcomes = agent.copy_outcomes;
  report.in_flight = agent.in_flight;
  report.rules = agent.rules;
  report.mirrors = agent.mirrors;
  std::sort(report.mirrors.begin(), report.mirrors.end(),
            [](const MirrorCounts& a, const MirrorCounts& b) { return a.endpoint < b.endpoint; });
  report.requests[static_cast<size_t>(RequestOutcome::not_sampled)] += tap.not_sampled;
  report.requests[static_cast<size_t>(RequestOutcome::too_big)] += tap.too_big;
  report.requests[static_cast<size_t>(RequestOutcome::ring_full)] += tap.ring_full;
  return report;
}

LedgerCounts Ledger::AllCounts() const {
  LedgerCounts counts = Counts();
  counts.rules = rules_.Rows();
  return counts;
}

LedgerCounts Ledger::Counts() const {
  const auto read = [](const Counter& counter) { return counter.load(std::memory_order_relaxed); };
  LedgerCounts counts;
  counts.stream_seen = read(stream_seen_);
  counts.stream_sampled = read(stream_sampled_);
  counts.received = read(received_);
  std::transform(requests_.begin(), requests_.end(), counts.requests.begin(), read);
  counts.open = read(open_);
  counts.copies = read(copies_);
  counts.sent = read(sent_);
  counts.unmarked = read(unmarked_);
  std::transform(copy_outcomes_.begin(), copy_outcomes_.end(), counts.copy_outcomes.begin(), read);
  counts.in_flight = read(in_flight_);
  return counts;
}

}  // namespace rpctee
