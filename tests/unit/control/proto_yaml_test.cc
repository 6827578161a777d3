#include "control/proto_yaml.h"

#include "aeraki/meta_protocol_proxy/config/route/v1alpha/route.pb.h"
#include "control/similar_name.h"
#include "envoy/config/route/v3/route.pb.h"
#include "metaprotocol/aeraki/io/v1alpha1/metarouter.pb.h"
#include "rpctee/config/v1/agent.pb.h"
#include "unit/control/test_files.h"

namespace rpctee::control {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

template <typename T>
struct Converted {
  T message;
  SourceMap sources;
  Diagnostics diagnostics;

  std::vector<std::string> Errors() const {
    std::vector<std::string> errors;
    for (const Diagnostic& diagnostic : diagnostics) {
      errors.push_back(Short(diagnostic));
    }
    return errors;
  }
  std::vector<std::string> Unused() const {
    std::vector<std::string> unused;
    for (const UnusedKey& key : sources.unused()) {
      unused.push_back(key.Describe());
    }
    return unused;
  }
};

template <typename T>
std::unique_ptr<Converted<T>> Convert(const std::string& text, size_t max_visits = 100'000) {
  auto converted = std::make_unique<Converted<T>>();
  const auto file = YamlFile::Parse(text);
  EXPECT_TRUE(file) << file.error().message;
  YamlConversion conversion;
  conversion.file = "test.yaml";
  conversion.sources = &converted->sources;
  conversion.diagnostics = &converted->diagnostics;
  conversion.max_visits = max_visits;
  FromYaml(*file->documents().at(0), "", conversion, converted->message);
  return converted;
}

using MetaRouter = metaprotocol::aeraki::io::v1alpha1::MetaRouter;
using EnvoyRoute = envoy::config::route::v3::Route;
using HeaderMatcher = envoy::config::route::v3::HeaderMatcher;

TEST(ProtoYaml, KeysAreTakenInBothSpellings) {
  const auto camel = Convert<MetaRouter>("routes: [{mirrorPercentage: {value: 0.5}}]");
  const auto snake = Convert<MetaRouter>("routes: [{mirror_percentage: {value: 0.5}}]");
  EXPECT_EQ(camel->message.routes(0).mirror_percentage().value(), 0.5);
  EXPECT_EQ(snake->message.routes(0).mirror_percentage().value(), 0.5);
}

TEST(ProtoYaml, TwoSpellingsOfOneKeyAreAnError) {
  const auto converted = Convert<HeaderMatcher>("{invertMatch: true, invert_match: false}");
  EXPECT_THAT(converted->Errors(), ElementsAre("error 1:21 invert_match: stands twice, in two spellings"));
}

TEST(ProtoYaml, MapsOfMessagesAreTaken) {
  const auto converted =
      Convert<MetaRouter>("routes: [{match: {attributes: {method: {exact: sayHello}, interface: {prefix: org.}}}}]");
  const auto& attributes = converted->message.routes(0).match().attributes();
  EXPECT_EQ(attributes.at("method").exact(), "sayHello");
  EXPECT_EQ(attributes.at("interface").prefix(), "org.");
  EXPECT_THAT(converted->Errors(), IsEmpty());
}

TEST(ProtoYaml, TwoKeysOfAOneofAreAnError) {
  const auto converted = Convert<HeaderMatcher>("name: x\nexact_match: a\nprefix_match: b\n");
  EXPECT_THAT(converted->Errors(),
              ElementsAre("error 3:15 prefix_match: only one key of header_match_specifier may be set"));
}

TEST(ProtoYaml, EnumsGoByNameOrNumber) {
  using Fraction = envoy::type::v3::FractionalPercent;
  EXPECT_EQ(Convert<Fraction>("denominator: MILLION")->message.denominator(), Fraction::MILLION);
  EXPECT_EQ(Convert<Fraction>("denominator: 2")->message.denominator(), Fraction::MILLION);
  EXPECT_THAT(Convert<Fraction>("denominator: DOZEN")->Errors(),
              ElementsAre("error 1:14 denominator: expected one of HUNDRED, TEN_THOUSAND, MILLION"));
  EXPECT_THAT(Convert<Fraction>("denominator: 7")->Errors(), ::testing::SizeIs(1));
}

TEST(ProtoYaml, WrappersAndDurationsArePlainValues) {
  const auto cluster = Convert<envoy::config::route::v3::WeightedCluster>("{clusters: [{name: a, weight: 7}]}");
  EXPECT_EQ(cluster->message.clusters(0).weight().value(), 7U);
  const auto policy =
      Convert<envoy::config::route::v3::RouteAction::RequestMirrorPolicy>("{cluster: a, trace_sampled: false}");
  EXPECT_TRUE(policy->message.has_trace_sampled());
  EXPECT_FALSE(policy->message.trace_sampled().value());
  const auto config = Convert<rpctee::config::v1::AgentConfig>("shutdown_grace: 1.5s");
  EXPECT_EQ(config->message.shutdown_grace().seconds(), 1);
  EXPECT_EQ(config->message.shutdown_grace().nanos(), 500'000'000);
}

TEST(ProtoYaml, WrongTypesAreErrorsWithThePathOfTheField) {
  const auto converted = Convert<MetaRouter>(R"(hosts: one
routes:
  - name: [x]
    mirrorPercentage:
      value: half
    match: exact
    mirror: {port: {number: -1}}
)");
  EXPECT_THAT(
      converted->Errors(),
      ElementsAre("error 1:8 hosts: expected a list", "error 3:11 routes[0].name: expected a string, found a list",
                  "error 5:14 routes[0].mirrorPercentage.value: expected a number, found \"half\"",
                  "error 6:12 routes[0].match: expected a map (MetaRouteMatch)",
                  "error 7:29 routes[0].mirror.port.number: expected a whole number from 0 to 4294967295, "
                  "found \"-1\""));
}

TEST(ProtoYaml, UnknownKeysAreCollectedWithTheirPathAndTheNearestKnownOne) {
  const auto converted = Convert<MetaRouter>("routes: [{mirorPercentage: {value: 1}, colour: red}]");
  EXPECT_THAT(converted->Errors(), IsEmpty());
  EXPECT_THAT(converted->Unused(),
              ElementsAre("routes[0].mirorPercentage is not known (did you mean \"mirrorPercentage\"?)",
                          "routes[0].colour is not known"));
  EXPECT_EQ(converted->sources.unused()[1].origin.ToString(), "test.yaml:1:40");
}

TEST(ProtoYaml, KeysWithoutAValueAreAbsentAndCollected) {
  const auto converted = Convert<MetaRouter>("routes:\n  - mirrorPercentage:\n    name: x\n");
  EXPECT_FALSE(converted->message.routes(0).has_mirror_percentage());
  EXPECT_THAT(converted->Unused(), ElementsAre("routes[0].mirrorPercentage stands without a value"));
}

TEST(ProtoYaml, IgnoredFieldsTakeAnything) {
  const auto converted = Convert<EnvoyRoute>("{name: x, decorator: 5, metadata: {a: [b]}, tracing: null}");
  EXPECT_THAT(converted->Errors(), IsEmpty());
  EXPECT_THAT(converted->Unused(), IsEmpty());
}

TEST(ProtoYaml, AliasesCannotMultiplyTheWork) {
  std::string bomb = "hosts: &a [x, x, x, x, x, x, x, x, x, x]\n";
  bomb += "routes:\n  - &r {name: n, route: [{weight: 1}, {weight: 1}, {weight: 1}, {weight: 1}]}\n";
  for (int i = 0; i < 100; ++i) {
    bomb += "  - *r\n";
  }
  const auto converted = Convert<MetaRouter>(bomb, 500);
  EXPECT_THAT(converted->Errors(), ElementsAre(::testing::HasSubstr("more than 500 values, counting those")));
}

TEST(ProtoYaml, ErrorsOfOneDocumentAreLimited) {
  std::string text = "routes:\n";
  for (int i = 0; i < 100; ++i) {
    text += "  - name: [1]\n";
  }
  EXPECT_EQ(Convert<MetaRouter>(text)->Errors().size(), 20U);
}

TEST(SimilarName, OnlyNearNamesAreOffered) {
  const std::vector<std::string> names = {"mirror", "mirror_percentage", "route"};
  EXPECT_EQ(SimilarName("miror", names), "mirror");
  EXPECT_EQ(SimilarName("mirror_percent", names), "mirror_percentage");
  EXPECT_EQ(SimilarName("colour", names), "");
  EXPECT_EQ(SimilarName(std::string(1'000'000, 'x'), names), "");
}

}  // namespace
}  // namespace rpctee::control
