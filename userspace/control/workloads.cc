#include "control/workloads.h"

#include <algorithm>

namespace rpctee::control {
namespace {

bool SameNamespace(const std::string& a, const std::string& b) { return a.empty() || b.empty() || a == b; }

}  // namespace

bool HasAll(const Labels& labels, const Labels& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const auto& label) {
    const auto found = labels.find(label.first);
    return found != labels.end() && found->second == label.second;
  });
}

void Workloads::Add(Workload workload) {
  for (const auto& label : workload.labels) {
    by_label_[label].push_back(all_.size());
  }
  all_.push_back(std::move(workload));
}

std::vector<Workload*> Workloads::Select(const std::string& ns, const Labels& labels) {
  const std::vector<size_t>* rarest = nullptr;
  for (const auto& label : labels) {
    const auto found = by_label_.find(label);
    if (found == by_label_.end()) {
      return {};
    }
    if (rarest == nullptr || found->second.size() < rarest->size()) {
      rarest = &found->second;
    }
  }
  std::vector<Workload*> selected;
  for (const size_t index : rarest == nullptr ? std::vector<size_t>() : *rarest) {
    Workload& workload = all_[index];
    if (SameNamespace(ns, workload.ns) && HasAll(workload.labels, labels)) {
      selected.push_back(&workload);
    }
  }
  return selected;
}

}  // namespace rpctee::control
