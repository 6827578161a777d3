// The blocks of Aeraki's traffic mirroring guide, as they stand.
#include "unit/control/test_files.h"

namespace rpctee::control {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<std::string> kGuide = {DataPath("guide_deployment_v1.yaml"), DataPath("guide_deployment_v2.yaml"),
                                         DataPath("guide_service_entry.yaml"),
                                         DataPath("guide_metarouter_mirror.yaml")};

void ExpectMirrorsAllToV2(const LoadedRoutes& loaded) {
  ASSERT_FALSE(loaded.refused()) << ::testing::PrintToString(Told(loaded));
  ASSERT_EQ(loaded.routes.configs.size(), 1U);
  const route::RouteConfig& config = loaded.routes.configs[0];
  EXPECT_EQ(config.name, "org.apache.dubbo.samples.basic.api.demoservice_20880");
  ASSERT_EQ(config.routes.size(), 1U);
  EXPECT_EQ(config.routes[0].name, "traffic-mirroring");
  EXPECT_THAT(config.routes[0].matches, IsEmpty());
  EXPECT_THAT(config.routes[0].clusters, ::testing::ElementsAre(kV1));
  ASSERT_EQ(config.routes[0].mirrors.size(), 1U);
  EXPECT_EQ(config.routes[0].mirrors[0].cluster, kV2);
  EXPECT_EQ(config.routes[0].mirrors[0].share.millionths, route::kMillion);
  EXPECT_EQ(EndpointsOf(loaded, kV1), "10.0.0.1:20880");
  EXPECT_EQ(EndpointsOf(loaded, kV2), "10.0.0.2:20880");
}

TEST(Guide, YamlBlocksWithAPodListMirrorV1ToV2AtAHundredPercent) {
  std::vector<std::string> files = kGuide;
  files.push_back(DataPath("pods.yaml"));
  const LoadedRoutes loaded = LoadRouteFiles(files);
  ExpectMirrorsAllToV2(loaded);
  EXPECT_EQ(loaded.routes.configs[0].interface_name, "org.apache.dubbo.samples.basic.api.DemoService");
}

TEST(Guide, SubsetsWithoutADestinationRuleAreTakenFromTheVersionLabelWithAWarning) {
  std::vector<std::string> files = kGuide;
  files.push_back(DataPath("pods.yaml"));
  const LoadedRoutes loaded = LoadRouteFiles(files);
  ASSERT_EQ(loaded.diagnostics.size(), 2U) << ::testing::PrintToString(Told(loaded));
  EXPECT_EQ(Short(loaded.diagnostics[0]),
            "warning 10:7 no DestinationRule defines subset \"v1\" of org.apache.dubbo.samples.basic.api.demoservice: "
            "taking the label version=v1 for it");
  EXPECT_THAT(Short(loaded.diagnostics[1]), HasSubstr("warning 16:9 no DestinationRule defines subset \"v2\""));
}

TEST(Guide, DumpWithItsMissingBracketsIsAcceptedWithAWarning) {
  const LoadedRoutes loaded = LoadRouteFiles({DataPath("guide_dump.json"), DataPath("endpoints.yaml")});
  ExpectMirrorsAllToV2(loaded);
  EXPECT_EQ(loaded.routes.configs[0].interface_name, "org.apache.dubbo.samples.basic.api.demoservice");
  ASSERT_EQ(loaded.diagnostics.size(), 1U) << ::testing::PrintToString(Told(loaded));
  EXPECT_EQ(loaded.diagnostics[0].severity, Severity::kWarning);
  EXPECT_THAT(loaded.diagnostics[0].message, HasSubstr("ends before its closing brackets"));
}

TEST(Guide, DumpFindsItsEndpointsByLabelsToo) {
  ExpectMirrorsAllToV2(
      LoadRouteFiles({DataPath("guide_dump.json"), DataPath("guide_service_entry.yaml"), DataPath("pods.yaml")}));
}

TEST(Guide, FirstMetaRouterMirrorsNothing) {
  const LoadedRoutes loaded = LoadRouteFiles(
      {DataPath("guide_service_entry.yaml"), DataPath("guide_metarouter_v1.yaml"), DataPath("pods.yaml")});
  ASSERT_FALSE(loaded.refused());
  ASSERT_EQ(loaded.routes.configs.size(), 1U);
  EXPECT_THAT(loaded.routes.configs[0].routes.at(0).mirrors, IsEmpty());
  EXPECT_THAT(loaded.diagnostics, IsEmpty()) << ::testing::PrintToString(Told(loaded));
}

TEST(Guide, SecondMetaRouterReplacesTheFirstAsKubectlApplyWould) {
  std::vector<std::string> files = {DataPath("guide_metarouter_v1.yaml"), DataPath("pods.yaml")};
  files.insert(files.end(), kGuide.begin(), kGuide.end());
  const LoadedRoutes loaded = LoadRouteFiles(files);
  ExpectMirrorsAllToV2(loaded);
  EXPECT_THAT(::testing::PrintToString(Told(loaded)),
              HasSubstr("info 1:1 MetaRouter \\\"test-metaprotocol-dubbo-route\\\" replaces"));
}

TEST(Guide, DeploymentsWithoutAPodListAreNamed) {
  const LoadedRoutes loaded = LoadRouteFiles(kGuide);
  ASSERT_FALSE(loaded.refused());
  EXPECT_EQ(EndpointsOf(loaded, kV1), "");
  const std::string told = ::testing::PrintToString(Told(loaded));
  EXPECT_THAT(told, HasSubstr("Deployment \\\"dubbo-sample-provider-v1\\\" has no Pod list: give `kubectl get pods -o "
                              "yaml` or a ClusterLoadAssignment"));
  EXPECT_THAT(told, HasSubstr("Deployment \\\"dubbo-sample-provider-v2\\\" has no Pod list"));
  EXPECT_THAT(told, HasSubstr("has no endpoints: no running Pod has its labels"));
}

}  // namespace
}  // namespace rpctee::control
