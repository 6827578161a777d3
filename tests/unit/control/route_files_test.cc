#include "control/route_files.h"

#include "unit/control/test_files.h"

namespace rpctee::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using RouteFiles = RouteFilesTest;

TEST_F(RouteFiles, MissingFileIsAnErrorAndPatternWithoutAMatchAWarning) {
  const LoadedRoutes missing = LoadRouteFiles({directory_.Path("none.yaml")});
  EXPECT_TRUE(missing.refused());
  EXPECT_EQ(missing.diagnostics.at(0).ToString(),
            directory_.Path("none.yaml") + ": error: cannot be opened: No such file or directory");
  const LoadedRoutes pattern = LoadRouteFiles({directory_.Path("*.yaml")});
  EXPECT_FALSE(pattern.refused());
  EXPECT_THAT(Told(pattern), ElementsAre("warning 0:0 no file matches this pattern"));
}

TEST_F(RouteFiles, DirectoryIsAnError) {
  EXPECT_THAT(Told(LoadRouteFiles({directory_.Path("")})), ElementsAre(HasSubstr("error 0:0 cannot be read")));
}

TEST_F(RouteFiles, PatternsAreExpandedInOrderAndAFileIsReadOnce) {
  directory_.Write("b.yaml", "name: b_1\nroutes: []\n");
  directory_.Write("a.yaml", "name: a_1\nroutes: []\n");
  const LoadedRoutes loaded = LoadRouteFiles({directory_.Path("*.yaml"), directory_.Path("a.yaml")});
  EXPECT_THAT(loaded.files, ElementsAre(directory_.Path("a.yaml"), directory_.Path("b.yaml")));
  EXPECT_THAT(loaded.routes.configs, SizeIs(2));
  EXPECT_THAT(loaded.diagnostics, IsEmpty());
}

TEST_F(RouteFiles, OneErrorRefusesTheWholeSet) {
  directory_.Write("bad.yaml", "name: [1]\nroutes: []\n");
  directory_.Write("good.yaml", "name: a_1\nroutes: [{route: {cluster: c}}]\n");
  const LoadedRoutes loaded = LoadRouteFiles({directory_.Path("*.yaml")});
  EXPECT_TRUE(loaded.refused());
  EXPECT_THAT(loaded.routes.configs, IsEmpty());
  EXPECT_THAT(loaded.routes.clusters, IsEmpty());
  EXPECT_THAT(Told(loaded), ElementsAre("error 1:7 name: expected a string, found a list"));
}

TEST_F(RouteFiles, SyntaxErrorIsToldWithItsPlace) {
  EXPECT_THAT(Told(LoadText("a: 1\n b: [\n")), ElementsAre(HasSubstr("error 2:")));
}

TEST_F(RouteFiles, JsonThatEndsTooEarlySaysSo) {
  EXPECT_THAT(Told(LoadText("{\"name\": \"a_1\",\n \"routes\": [\n")),
              ElementsAre("error 2:0 the JSON ends before its closing brackets"));
  EXPECT_THAT(Told(LoadText("{a: 1\n b: [}\n")), ElementsAre(::testing::Not(HasSubstr("ends before"))));
}

TEST_F(RouteFiles, FileOverTheLimitIsRefused) {
  RouteFileLimits limits;
  limits.max_file_bytes = 100;
  const std::string path = directory_.Write("x.yaml", "# " + std::string(98, 'x'));
  EXPECT_FALSE(LoadRouteFiles({path}, limits).refused());
  directory_.Write("x.yaml", "# " + std::string(99, 'x'));
  EXPECT_THAT(Told(LoadRouteFiles({path}, limits)), ElementsAre("error 0:0 is larger than 100 bytes"));
}

TEST_F(RouteFiles, OtherKindsAreNamedWithTheirPlace) {
  const LoadedRoutes loaded = LoadText(R"(apiVersion: v1
kind: Service
metadata: {name: x}
---
apiVersion: example.org/v1
kind: MetaRouter
---
"@type": type.googleapis.com/envoy.config.cluster.v3.Cluster
---
colour: red
---
just words
)");
  EXPECT_THAT(Told(loaded), ElementsAre("info 1:1 \"Service\" says nothing about routes; passed over",
                                        "info 5:1 \"MetaRouter\" says nothing about routes; passed over",
                                        "info 8:1 \"envoy.config.cluster.v3.Cluster\" says nothing about routes; "
                                        "passed over",
                                        HasSubstr("warning 10:1 a document of unknown kind, passed over"),
                                        HasSubstr("warning 12:1 a document of unknown kind, passed over")));
}

TEST_F(RouteFiles, MessagesComeInTheOrderOfFilesAndLines) {
  directory_.Write("a.yaml", "name: x_1\nroutes: []\nlater: 1\n");
  directory_.Write("b.yaml", "kind: Service\n---\nname: y_1\nfoo: 1\nroutes: []\n");
  const LoadedRoutes loaded = LoadRouteFiles({directory_.Path("b.yaml"), directory_.Path("a.yaml")});
  EXPECT_THAT(Told(loaded),
              ElementsAre(HasSubstr("info 1:1"), HasSubstr("warning 4:1 foo"), HasSubstr("warning 3:1 later")));
}

TEST_F(RouteFiles, SecondLoadAssignmentForAClusterIsPassedOver) {
  const LoadedRoutes loaded = LoadText("[{cluster_name: c}, {cluster_name: c}, {endpoints: [], clusterName: \"\"}]");
  EXPECT_THAT(loaded.routes.clusters, SizeIs(1));
  EXPECT_THAT(Told(loaded), SizeIs(2));
}

TEST_F(RouteFiles, ClusterThatNothingTellsIsKeptEmptyWithAWarningOnlyWhereMirrorsNeedIt) {
  const LoadedRoutes loaded = LoadText(
      "{name: a_1, routes: [{route: {cluster: c1, request_mirror_policies: [{cluster: outbound|5||host}]}}]}\n"
      "---\n{name: b_1, routes: [{route: {cluster: c3}}]}\n");
  EXPECT_THAT(loaded.routes.clusters, SizeIs(3));
  EXPECT_THAT(Told(loaded),
              ElementsAre("warning 1:22 cluster \"c1\" has no endpoints: no ClusterLoadAssignment has this name",
                          "warning 1:70 cluster \"outbound|5||host\" has no endpoints: there is neither a "
                          "ClusterLoadAssignment of this name nor a ServiceEntry for host"));
}

TEST_F(RouteFiles, EmptyFileIsAnEmptySet) {
  const LoadedRoutes loaded = LoadText("");
  EXPECT_FALSE(loaded.refused());
  EXPECT_THAT(loaded.diagnostics, IsEmpty());
  EXPECT_THAT(loaded.routes.configs, IsEmpty());
}

TEST_F(RouteFiles, FloodOfMessagesIsCutShortButErrorsStay) {
  std::string text;
  for (int i = 0; i < 3'000; ++i) {
    text += "kind: Service\n---\n";
  }
  const LoadedRoutes loaded = LoadText(text + "name: [1]\nroutes: []\n");
  EXPECT_THAT(loaded.diagnostics, SizeIs(1'002));
  EXPECT_TRUE(loaded.refused());
  EXPECT_EQ(loaded.diagnostics.back().message, "2000 more messages are left out");
}

}  // namespace
}  // namespace rpctee::control
