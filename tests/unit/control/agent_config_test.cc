#include "control/agent_config.h"

#include <google/protobuf/descriptor.h>

#include <regex>
#include <sstream>

#include "rpctee/config/v1/agent.pb.h"
#include "support/source_dir.h"
#include "unit/control/test_files.h"

namespace rpctee::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AgentConfigTest : public ::testing::Test {
 protected:
  Result<AgentConfig> Load(const std::string& text, bool routes_required = false) {
    return LoadAgentConfig(directory_.Write("agent.yaml", text), routes_required);
  }
  // The error without the directory of the test.
  std::string ErrorOf(const std::string& text) {
    const Result<AgentConfig> config = Load(text);
    std::string error = config ? "no error" : config.error().message;
    const std::string prefix = directory_.Path("");
    for (size_t at = error.find(prefix); at != std::string::npos; at = error.find(prefix)) {
      error.erase(at, prefix.size());
    }
    return error;
  }
  TestDirectory directory_;
};

std::string ExamplePath() { return test::SourceDir() + "/deploy/agent.example.yaml"; }

TEST_F(AgentConfigTest, ExampleHoldsTheDefaults) {
  const Result<AgentConfig> example = LoadAgentConfig(ExamplePath());
  ASSERT_TRUE(example) << example.error().message;
  const AgentConfig defaults = DefaultAgentConfig();
  EXPECT_EQ(example->node, defaults.node);
  EXPECT_FALSE(example->node.empty());
  EXPECT_EQ(example->workers, defaults.workers);
  EXPECT_EQ(example->tap.interfaces, defaults.tap.interfaces);
  EXPECT_EQ(example->tap.direction, defaults.tap.direction);
  EXPECT_EQ(example->tap.attach, defaults.tap.attach);
  EXPECT_EQ(example->tap.tcx_order, defaults.tap.tcx_order);
  EXPECT_EQ(example->tap.pin_directory, defaults.tap.pin_directory);
  EXPECT_EQ(example->tap.ring_bytes, defaults.tap.ring_bytes);
  EXPECT_EQ(example->tap.max_flows, defaults.tap.max_flows);
  EXPECT_EQ(example->tap.max_endpoints, defaults.tap.max_endpoints);
  EXPECT_EQ(example->tap.max_own_connections, defaults.tap.max_own_connections);
  EXPECT_EQ(example->tap.max_request_bytes, defaults.tap.max_request_bytes);
  EXPECT_EQ(example->tap.silence_check, defaults.tap.silence_check);
  EXPECT_EQ(example->tap.silence_bytes, defaults.tap.silence_bytes);
  EXPECT_EQ(example->tap.replies, defaults.tap.replies);
  EXPECT_THAT(example->routes.files, ElementsAre("/etc/rpctee/routes/*.yaml"));
  EXPECT_EQ(example->routes.reload, defaults.routes.reload);
  EXPECT_EQ(example->mirror.connections_per_endpoint, defaults.mirror.connections_per_endpoint);
  EXPECT_EQ(example->mirror.max_buffer_bytes, defaults.mirror.max_buffer_bytes);
  EXPECT_EQ(example->mirror.max_in_flight, defaults.mirror.max_in_flight);
  EXPECT_EQ(example->mirror.max_pipelined, defaults.mirror.max_pipelined);
  EXPECT_EQ(example->mirror.connect_timeout, defaults.mirror.connect_timeout);
  EXPECT_EQ(example->mirror.reply_timeout, defaults.mirror.reply_timeout);
  EXPECT_EQ(example->mirror.reconnect_min, defaults.mirror.reconnect_min);
  EXPECT_EQ(example->mirror.reconnect_max, defaults.mirror.reconnect_max);
  EXPECT_EQ(example->mirror.user_timeout, defaults.mirror.user_timeout);
  EXPECT_EQ(example->mirror.dscp, defaults.mirror.dscp);
  EXPECT_EQ(example->mirror.idle_timeout, defaults.mirror.idle_timeout);
  EXPECT_EQ(example->mirror.ejection.consecutive_failures, defaults.mirror.ejection.consecutive_failures);
  EXPECT_EQ(example->mirror.ejection.consecutive_exhausted, defaults.mirror.ejection.consecutive_exhausted);
  EXPECT_EQ(example->mirror.ejection.time, defaults.mirror.ejection.time);
  EXPECT_EQ(example->mirror.ejection.max_time, defaults.mirror.ejection.max_time);
  EXPECT_EQ(example->mirror.socket_priority, defaults.mirror.socket_priority);
  EXPECT_EQ(example->mirror.socket_mark, defaults.mirror.socket_mark);
  EXPECT_EQ(example->mark, defaults.mark);
  EXPECT_TRUE(example->policies.empty());
  EXPECT_EQ(example->limits.max_reassembly_bytes, defaults.limits.max_reassembly_bytes);
  EXPECT_EQ(example->limits.request_timeout, defaults.limits.request_timeout);
  EXPECT_EQ(example->limits.max_mirror_requests_per_second, defaults.limits.max_mirror_requests_per_second);
  EXPECT_EQ(example->limits.max_mirror_bytes_per_second, defaults.limits.max_mirror_bytes_per_second);
  EXPECT_EQ(example->limits.max_mirror_memory, defaults.limits.max_mirror_memory);
  EXPECT_EQ(example->limits.max_cpu, defaults.limits.max_cpu);
  EXPECT_EQ(example->shutdown_grace, defaults.shutdown_grace);
  EXPECT_EQ(example->log.level, defaults.log.level);
  EXPECT_EQ(example->log.format, defaults.log.format);
}

// Whether a line of the example sets the key, or shows it commented out, indented by `indent`.
bool HasKeyLine(const std::string& text, const std::string& key, const std::string& indent) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(indent + key + ":") || line.starts_with(indent + "# " + key + ":")) {
      return true;
    }
  }
  return false;
}

// How many keys there are in a section and below it; each must have its line.
int CountKeys(const std::string& text, const google::protobuf::Descriptor& section, const std::string& indent) {
  int keys = 0;
  for (int i = 0; i < section.field_count(); ++i) {
    const google::protobuf::FieldDescriptor& field = *section.field(i);
    EXPECT_TRUE(HasKeyLine(text, field.name(), indent)) << field.full_name();
    ++keys;
    const google::protobuf::Descriptor* type = field.message_type();
    if (type != nullptr && !field.is_map() && type->file() == section.file() && type->name() != "ByteSize") {
      keys += CountKeys(text, *type, indent + "  ");
    }
  }
  return keys;
}

TEST_F(AgentConfigTest, ExampleHasEveryKey) {
  EXPECT_EQ(CountKeys(ReadText(ExamplePath()), *rpctee::config::v1::AgentConfig::descriptor(), ""), 68);
}

// Whether a path such as "mirror.ejection.time" leads to a key.
bool IsKey(std::istringstream path) {
  const google::protobuf::Descriptor* section = rpctee::config::v1::AgentConfig::descriptor();
  for (std::string name; std::getline(path, name, '.');) {
    const google::protobuf::FieldDescriptor* field = section == nullptr ? nullptr : section->FindFieldByName(name);
    if (field == nullptr) {
      return false;
    }
    section = field->message_type();
  }
  return true;
}

TEST_F(AgentConfigTest, DocumentsNameOnlyKeysThatThereAre) {
  std::vector<std::string> documents = {test::SourceDir() + "/README.md"};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(test::SourceDir() + "/docs")) {
    if (entry.path().extension() == ".md") {
      documents.push_back(entry.path());
    }
  }
  const std::regex quoted_key("`((?:tap|mirror|mark|limits|policies|log)\\.[a-z_.]+)");
  int keys = 0;
  for (const std::string& document : documents) {
    const std::string text = ReadText(document);
    for (std::sregex_iterator found(text.begin(), text.end(), quoted_key), end; found != end; ++found, ++keys) {
      EXPECT_TRUE(IsKey(std::istringstream((*found)[1]))) << document << ": " << (*found)[1];
    }
  }
  EXPECT_GT(keys, 20);
}

TEST_F(AgentConfigTest, ExampleTellsTheValueOfEachDefaultThatItSets) {
  // Everything but node, which has no fixed default, and routes.files, which has none, stands in the example.
  const std::string text = ReadText(ExamplePath());
  EXPECT_THAT(text, HasSubstr("Default: the host's name."));
  EXPECT_THAT(text, HasSubstr("Required; no default."));
}

TEST_F(AgentConfigTest, EveryKeyIsTaken) {
  const Result<AgentConfig> config = Load(R"(
node: worker-7
workers: 2
tap:
  interfaces: [eth0, "cali*"]
  direction: both
  attach: clsact
  tcx_order: last
  pin_directory: ""
  ring_bytes: 64KiB
  max_flows: 1
  max_endpoints: 2
  max_own_connections: 3
  max_request_bytes: 1MiB
  silence_check: 0s
  silence_bytes: 1MiB
  replies: true
routes: {files: [/a.yaml, b.yaml], reload: 500ms}
mirror:
  connections_per_endpoint: 4
  max_buffer_bytes: 1.5MiB
  max_in_flight: 5
  max_pipelined: 6
  connect_timeout: 1s
  reply_timeout: 1.5s
  reconnect_min: 10ms
  reconnect_max: 1m
  user_timeout: 20s
  dscp: 1
  idle_timeout: 0s
  ejection: {consecutive_failures: 7, consecutive_exhausted: 0, time: 1s, max_time: 2m}
  socket_priority: 2
  socket_mark: 0xFF
mark: {attachment: x-copy, value: "yes", when_impossible: drop}
policies:
- match: {config: "demo*", route: "#1", cluster: "*v2*"}
  attachments: {b: "2", a: "1"}
  oneway: true
  allow_methods: [get*]
  deny_methods: ["*.delete*"]
  default: deny
  sample_by: trace-id
  max_requests_per_second: 100
  max_bytes_per_second: 1MiB
  dry_run: true
  load_balancing: ring_hash
- allow_methods: [find]
- {}
limits: {max_reassembly_bytes: 9MiB, request_timeout: 5s, max_mirror_requests_per_second: 10,
         max_mirror_bytes_per_second: 2KiB, max_mirror_memory: 0, max_cpu: 0.25}
shutdown_grace: 0s
log: {level: trace, format: json}
)");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->node, "worker-7");
  EXPECT_EQ(config->workers, 2U);
  EXPECT_THAT(config->tap.interfaces, ElementsAre("eth0", "cali*"));
  EXPECT_EQ(config->tap.direction, TapDirection::kBoth);
  EXPECT_EQ(config->tap.attach, TapAttach::kClsact);
  EXPECT_EQ(config->tap.tcx_order, TapOrder::kLast);
  EXPECT_EQ(config->tap.pin_directory, "");
  EXPECT_EQ(config->tap.ring_bytes, 65'536U);
  EXPECT_EQ(config->tap.max_flows, 1U);
  EXPECT_EQ(config->tap.max_endpoints, 2U);
  EXPECT_EQ(config->tap.max_own_connections, 3U);
  EXPECT_EQ(config->tap.max_request_bytes, 1U << 20);
  EXPECT_EQ(config->tap.silence_check, seconds(0));
  EXPECT_EQ(config->tap.silence_bytes, 1U << 20);
  EXPECT_TRUE(config->tap.replies);
  EXPECT_THAT(config->routes.files, ElementsAre("/a.yaml", directory_.Path("b.yaml")));
  EXPECT_EQ(config->routes.reload, milliseconds(500));
  EXPECT_EQ(config->mirror.connections_per_endpoint, 4U);
  EXPECT_EQ(config->mirror.max_buffer_bytes, 1'572'864U);
  EXPECT_EQ(config->mirror.max_in_flight, 5U);
  EXPECT_EQ(config->mirror.max_pipelined, 6U);
  EXPECT_EQ(config->mirror.connect_timeout, seconds(1));
  EXPECT_EQ(config->mirror.reply_timeout, milliseconds(1'500));
  EXPECT_EQ(config->mirror.reconnect_min, milliseconds(10));
  EXPECT_EQ(config->mirror.reconnect_max, seconds(60));
  EXPECT_EQ(config->mirror.user_timeout, seconds(20));
  EXPECT_EQ(config->mirror.dscp, 1U);
  EXPECT_EQ(config->mirror.idle_timeout, seconds(0));
  EXPECT_EQ(config->mirror.ejection.consecutive_failures, 7U);
  EXPECT_EQ(config->mirror.ejection.consecutive_exhausted, 0U);
  EXPECT_EQ(config->mirror.ejection.time, seconds(1));
  EXPECT_EQ(config->mirror.ejection.max_time, seconds(120));
  EXPECT_EQ(config->mirror.socket_priority, 2U);
  EXPECT_EQ(config->mirror.socket_mark, 255U);
  EXPECT_EQ(config->mark, (route::Mark{.attachment = "x-copy", .value = "yes", .required = true}));
  ASSERT_EQ(config->policies.size(), 3U);
  const route::MatchedPolicy& first = config->policies[0];
  EXPECT_THAT((std::vector{first.config, first.route, first.cluster}), ElementsAre("demo*", "#1", "*v2*"));
  EXPECT_EQ(first.origin.ToString(), directory_.Path("agent.yaml") + ":36:3");
  EXPECT_EQ(config->policies[2].origin.line, 48);
  EXPECT_EQ(first.policy, (route::CopyPolicy{.attachments = {{"a", "1"}, {"b", "2"}},
                                             .oneway = true,
                                             .allow_methods = {"get*"},
                                             .deny_methods = {"*.delete*"},
                                             .allow_by_default = false,
                                             .sample_by = "trace-id",
                                             .max_requests_per_second = 100,
                                             .max_bytes_per_second = 1U << 20,
                                             .dry_run = true,
                                             .load_balancing = route::LoadBalancing::kRingHash}));
  EXPECT_FALSE(config->policies[1].policy.allow_by_default) << "a list of what is allowed denies the rest";
  EXPECT_EQ(config->policies[2].policy, route::CopyPolicy());
  EXPECT_EQ(config->limits.max_reassembly_bytes, 9U << 20);
  EXPECT_EQ(config->limits.request_timeout, seconds(5));
  EXPECT_EQ(config->limits.max_mirror_requests_per_second, 10U);
  EXPECT_EQ(config->limits.max_mirror_bytes_per_second, 2048U);
  EXPECT_EQ(config->limits.max_mirror_memory, 0U);
  EXPECT_EQ(config->limits.max_cpu, 0.25);
  EXPECT_EQ(config->shutdown_grace, seconds(0));
  EXPECT_EQ(config->log.level, LogLevel::kTrace);
  EXPECT_EQ(config->log.format, LogFormat::kJson);
}

TEST_F(AgentConfigTest, UnknownKeyIsRefusedWithItsPlaceAndTheKeyItResembles) {
  EXPECT_EQ(ErrorOf("tap:\n  max_flow: 5\n"),
            "agent.yaml:2:3: tap.max_flow is not known (did you mean \"max_flows\"?)");
  EXPECT_EQ(ErrorOf("nonsense: 1\n"), "agent.yaml:1:1: nonsense is not known");
}

TEST_F(AgentConfigTest, ValueOutOfRangeIsRefusedWithTheRange) {
  EXPECT_EQ(ErrorOf("tap:\n  max_flows: 0\n"), "agent.yaml:2:14: tap.max_flows: 0 is not from 1 to 16777216");
  EXPECT_THAT(ErrorOf("workers: 17"), HasSubstr("agent.yaml:1:10: workers: 17 is not from 0 to 16"));
  EXPECT_THAT(ErrorOf("tap: {max_request_bytes: 257MiB}"), HasSubstr("257MiB is not from 1KiB to 256MiB"));
  EXPECT_EQ(ErrorOf("tap: {ring_bytes: 2GiB}"), "agent.yaml:1:19: tap.ring_bytes: 2GiB is not from 64KiB to 1GiB");
  EXPECT_EQ(ErrorOf("mirror: {reply_timeout: 1ms}"),
            "agent.yaml:1:25: mirror.reply_timeout: 1ms is not from 10ms to 600s");
  EXPECT_EQ(ErrorOf("log: {level: loud}"),
            "agent.yaml:1:14: log.level: \"loud\" is not one of trace, debug, info, warn, error");
  EXPECT_EQ(ErrorOf("tap: {interfaces: []}"),
            "agent.yaml:1:19: tap.interfaces: needs at least one entry, and no empty ones");
  EXPECT_EQ(ErrorOf("mirror: {reconnect_min: 20s}"),
            "agent.yaml:1:25: mirror.reconnect_min: reconnect_max (10s) is less than reconnect_min (20s)");
}

TEST_F(AgentConfigTest, TheMarkSaysTheNodeUnlessItIsGivenAValue) {
  EXPECT_EQ(Load("node: worker-7")->mark,
            (route::Mark{.attachment = "rpctee-mirror", .value = "worker-7", .required = false}));
  EXPECT_EQ(Load("mark: {attachment: \"\"}")->mark.attachment, "");
}

TEST_F(AgentConfigTest, MarksAndPoliciesThatMeanNothingAreRefused) {
  EXPECT_EQ(ErrorOf("mark: {attachment: method}"),
            "agent.yaml:1:20: mark.attachment: \"method\" is a part of every request");
  EXPECT_EQ(ErrorOf("mark: {value: \"a\\nb\"}"),
            "agent.yaml:1:15: mark.value: attachment \"rpctee-mirror\": its value is not plain text in UTF-8");
  EXPECT_EQ(ErrorOf("mark: {when_impossible: never}"),
            "agent.yaml:1:25: mark.when_impossible: \"never\" is not one of send, drop");
  EXPECT_EQ(ErrorOf("policies:\n- default: allow\n  allow_methods: [a]\n"),
            "agent.yaml:2:12: policies[0].default: allow leaves nothing for allow_methods to do");
  EXPECT_EQ(ErrorOf("policies: [{deny_methods: []}]"),
            "agent.yaml:1:27: policies[0].deny_methods: needs at least one entry, and no empty ones");
  EXPECT_EQ(ErrorOf("policies: [{attachments: {\"\": x}}]"),
            "agent.yaml:1:26: policies[0].attachments: attachment \"\": its name is empty");
  EXPECT_EQ(ErrorOf("policies: [{load_balancing: best}]"),
            "agent.yaml:1:29: policies[0].load_balancing: \"best\" is not one of round_robin, least_request, random, "
            "ring_hash");
  EXPECT_EQ(ErrorOf("policies: [{match: {rout: a}}]"),
            "agent.yaml:1:21: policies[0].match.rout is not known (did you mean \"route\"?)");
}

TEST_F(AgentConfigTest, LimitsThatContradictEachOtherAreRefused) {
  EXPECT_EQ(ErrorOf("limits: {max_reassembly_bytes: 16MiB}"),
            "agent.yaml:1:32: limits.max_reassembly_bytes: 16MiB is not enough for requests of tap.max_request_bytes "
            "(16MiB) and one worker: 42MiB is the least");
  EXPECT_TRUE(Load("{workers: 4, limits: {max_reassembly_bytes: 168MiB}}"));
  EXPECT_THAT(ErrorOf("{workers: 5, limits: {max_reassembly_bytes: 168MiB}}"),
              HasSubstr("168MiB is not enough for requests of tap.max_request_bytes (16MiB) and 5 workers: 210MiB is"));
  EXPECT_THAT(ErrorOf("tap: {max_request_bytes: 128MiB}"), HasSubstr("192MiB is not enough"));
}

TEST_F(AgentConfigTest, WrongTypesAreRefused) {
  EXPECT_EQ(ErrorOf("tap: {max_flows: many}"),
            "agent.yaml:1:18: tap.max_flows: expected a whole number from 0 to 4294967295, found \"many\"");
  EXPECT_EQ(
      ErrorOf("routes: {reload: 1}"),
      "agent.yaml:1:18: routes.reload: expected a duration with its unit, as in \"1.5s\" or \"500ms\", found \"1\"");
  EXPECT_EQ(ErrorOf("tap: [1]"), "agent.yaml:1:6: tap: expected a map (Tap)");
  EXPECT_EQ(ErrorOf("- 1"), "agent.yaml:1:1: expected a map (AgentConfig)");
}

TEST_F(AgentConfigTest, AllErrorsAreToldAtOnce) {
  EXPECT_EQ(ErrorOf("tap: {max_flows: x, max_endpoints: y}"),
            "agent.yaml:1:18: tap.max_flows: expected a whole number from 0 to 4294967295, found \"x\"\n"
            "agent.yaml:1:36: tap.max_endpoints: expected a whole number from 0 to 4294967295, found \"y\"");
}

TEST_F(AgentConfigTest, RoutesAreRequiredExceptForReplay) {
  EXPECT_TRUE(Load("", false));
  const Result<AgentConfig> config = Load("", true);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message, HasSubstr("routes.files: is required"));
}

TEST_F(AgentConfigTest, SectionWithAllKeysCommentedOutIsTheDefault) {
  const Result<AgentConfig> config = Load("limits:\n  # request_timeout: 5s\n");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->limits.request_timeout, seconds(30));
}

TEST_F(AgentConfigTest, MissingFileAndBrokenYamlAreErrors) {
  EXPECT_THAT(LoadAgentConfig("/nonexistent/agent.yaml").error().message,
              HasSubstr("/nonexistent/agent.yaml: cannot be opened: No such file or directory"));
  EXPECT_THAT(ErrorOf("tap: {"), HasSubstr("agent.yaml:1:"));
  EXPECT_EQ(ErrorOf("node: a\n---\nnode: b\n"), "agent.yaml:3:1: a second document: the configuration is one");
}

}  // namespace
}  // namespace rpctee::control
