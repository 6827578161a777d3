// Short ways to write routes in tests.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "route/snapshot.h"

namespace rpctee::route {

inline SocketAddress At(const std::string& text) {
  const auto address = SocketAddress::Parse(text);
  EXPECT_TRUE(address) << text;
  return address ? *address : SocketAddress();
}

inline Cluster MakeCluster(const std::string& name, const std::vector<std::string>& endpoints) {
  Cluster cluster{name, {}};
  for (const std::string& endpoint : endpoints) {
    cluster.endpoints.push_back(ClusterEndpoint{At(endpoint)});
  }
  return cluster;
}

inline FieldMatch Exact(const std::string& name, const std::string& text) {
  FieldMatch match;
  match.name = name;
  match.text = text;
  return match;
}

inline MirrorPolicy Mirror(const std::string& cluster, uint32_t millionths = kMillion) {
  return MirrorPolicy{cluster, Share{millionths}, {}};
}

inline Route MakeRoute(const std::string& name, std::vector<FieldMatch> matches, std::vector<std::string> clusters,
                       std::vector<MirrorPolicy> mirrors) {
  return Route{name, std::move(matches), std::move(clusters), std::move(mirrors), {}};
}

inline RouteConfig MakeConfig(const std::string& interface_name, std::vector<Route> routes) {
  return RouteConfig{interface_name + "_20880", interface_name, std::move(routes), {}};
}

inline std::shared_ptr<const Snapshot> MustBuild(const RouteSet& routes) {
  auto snapshot = Snapshot::Build(routes);
  EXPECT_TRUE(snapshot) << (snapshot ? "" : snapshot.error().message);
  return snapshot ? *snapshot : nullptr;
}

}  // namespace rpctee::route
