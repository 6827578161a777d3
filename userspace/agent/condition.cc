#include "agent/condition.h"

#include <fmt/format.h>

#include "base/report_line.h"

namespace rpctee::agent {

std::string Condition::ToText() const {
  std::string text;
  const auto line = [&](std::string_view name, std::string_view value) { text += ReportLine(name, value); };
  if (taps_removed != 0) {
    line("taps_removed", std::to_string(taps_removed));
    line("taps_put_back", std::to_string(taps_put_back));
  }
  for (const std::string& place : missing) {
    line("not tapped", place);
  }
  for (const std::string& place : behind) {
    line("tapped", place);
  }
  for (const SocketAddress& endpoint : silent) {
    line("silent", endpoint.ToString());
  }
  if (sampling_factor < 1) {
    line("sampling_factor", fmt::format("{:.4f}", sampling_factor));
  }
  return text;
}

std::string Condition::AddToJson(std::string ledger_json) const {
  ledger_json.pop_back();
  std::string endpoints;
  for (const SocketAddress& endpoint : silent) {
    endpoints += fmt::format(R"({}"{}")", endpoints.empty() ? "" : ",", endpoint.ToString());
  }
  return ledger_json +
         fmt::format(
             R"(,"taps_removed":{},"taps_put_back":{},"taps_missing":{},"taps_behind":{},"silent":[{}],"sampling_factor":{:.4f}}})",
             taps_removed, taps_put_back, missing.size(), behind.size(), endpoints, sampling_factor);
}

}  // namespace rpctee::agent
