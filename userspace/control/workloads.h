// Pods and deployments, found by their labels.
//
// Control thread; lives for one load of route files. An object that does not say its namespace fits every namespace.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/address.h"
#include "route/route_set.h"

namespace rpctee::control {

using Labels = std::map<std::string, std::string>;

// Whether `labels` has all of `wanted`.
bool HasAll(const Labels& labels, const Labels& wanted);

struct Workload {
  std::string name;
  std::string ns;
  Labels labels;  // of a deployment: those that its pods get
  route::Origin origin;
  // Pods only.
  std::optional<IpAddress> ip;  // when it takes traffic
  bool healthy = true;
  // Deployments only.
  bool wants_pods = true;
  bool told = false;  // that it has no pods
};

class Workloads {
 public:
  void Add(Workload workload);
  // Those that have all the labels, in the order in which they were added; none when no label is asked for. Looks only
  // at those that have the rarest of the labels.
  std::vector<Workload*> Select(const std::string& ns, const Labels& labels);

 private:
  std::vector<Workload> all_;
  std::map<std::pair<std::string, std::string>, std::vector<size_t>> by_label_;
};

}  // namespace rpctee::control
