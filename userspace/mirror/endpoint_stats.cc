#include "mirror/endpoint_stats.h"

#include <string>

#include "protocol/dubbo/reply.h"

namespace rpctee::mirror {
namespace {

std::string NameOfDubboStatus(size_t status) {
  const std::string_view name = protocol::dubbo::StatusName(static_cast<uint8_t>(status));
  return name.empty() ? "status " + std::to_string(status) : std::string(name);
}

}  // namespace

MirrorCounts EndpointStats::ToCounts() const {
  MirrorCounts counts;
  counts.counts = counts_;
  for (size_t status = 0; status < dubbo_errors_.size(); ++status) {
    if (dubbo_errors_[status] != 0) {
      counts.errors[NameOfDubboStatus(status)] = dubbo_errors_[status];
    }
  }
  if (thrift_errors_ != 0) {
    counts.errors["TApplicationException"] = thrift_errors_;
  }
  return counts;
}

EndpointStats& EndpointStatsTable::Of(const SocketAddress& endpoint) {
  const auto known = rows_.find(endpoint);
  if (known != rows_.end()) {
    return known->second;
  }
  return rows_.size() < kMaxRows ? rows_[endpoint] : other_;
}

std::vector<MirrorCounts> EndpointStatsTable::Rows() const {
  std::vector<MirrorCounts> used;
  const auto add = [&used](MirrorCounts row) {
    if (!row.IsEmpty()) {
      used.push_back(std::move(row));
    }
  };
  add(other_.ToCounts());
  for (const auto& [endpoint, stats] : rows_) {
    MirrorCounts row = stats.ToCounts();
    row.endpoint = endpoint;
    add(std::move(row));
  }
  return used;
}

}  // namespace rpctee::mirror
