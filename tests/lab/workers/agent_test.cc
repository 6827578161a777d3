// The agent as a whole, in this process: its threads, its signals, and what becomes of it when one of them fails.
#include "agent/agent.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lab/workers/mirror_lab.h"

namespace rpctee::agent {
namespace {

using ::testing::HasSubstr;

// Descriptors of this process's epoll sets.
std::vector<int> EpollSets() {
  std::vector<int> sets;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry.path(), gone).string().find("eventpoll") != std::string::npos) {
      sets.push_back(std::stoi(entry.path().filename()));
    }
  }
  std::sort(sets.begin(), sets.end());
  return sets;
}

size_t ThreadsNamed(const std::string& prefix) {
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(entry.path() / "comm");
    std::string name;
    count += std::getline(file, name) && name.starts_with(prefix) ? 1 : 0;
  }
  return count;
}

constexpr size_t kProbeBytes = 500;

class AgentLab : public MirrorLab {
 protected:
  void SetUp() override {
    // Threads that are started before the agent must not take its signals.
    sigset_t all;
    sigfillset(&all);
    ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &all, &signals_before_), 0);
    MirrorLab::SetUp();
    if (IsSkipped()) {
      return;
    }
    options_.places = {{"lo"}, {tap::Direction::kEgress}, tap::AttachMode::kAuto};
    options_.tap.rings = 3;
    options_.tap.pin_directory = bpffs() + "/rpctee";
    options_.routes.files = {bpffs() + ".yaml"};
    options_.ledger_json_path = bpffs() + ".json";
    std::ofstream(options_.routes.files[0]) << RouteFile();
  }
  void TearDown() override {
    std::filesystem::remove(bpffs() + ".yaml");
    std::filesystem::remove(bpffs() + ".json");
    MirrorLab::TearDown();
    ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, &signals_before_, nullptr), 0);
  }

  std::string RouteFile() const {
    const auto cluster = [](const std::string& name, const SocketAddress& address) {
      const nlohmann::json socket = {{"address", address.ip.ToString()}, {"port_value", address.port}};
      const nlohmann::json endpoint = {{"endpoint", {{"address", {{"socket_address", socket}}}}}};
      return nlohmann::json{{"cluster_name", name}, {"endpoints", {{{"lb_endpoints", {endpoint}}}}}}.dump();
    };
    const nlohmann::json mirrors = nlohmann::json::array({{{"cluster", "v2"}}});
    const nlohmann::json action = {{"cluster", "v1"}, {"request_mirror_policies", mirrors}};
    const nlohmann::json routes = nlohmann::json::array({{{"name", "all"}, {"route", action}}});
    const nlohmann::json config = {{"name", "demo_20880"}, {"routes", routes}};
    return "---\n" + config.dump() + "\n---\n" + cluster("v1", servers_->v1()) + "\n---\n" +
           cluster("v2", servers_->v2()) + "\n";
  }
  nlohmann::json FinalLedger() const {
    std::ifstream file(options_.ledger_json_path);
    return nlohmann::json::parse(file, nullptr, false);
  }
  // Runs the agent on this thread, and `meanwhile` on another, which has to see to its end.
  Status Run(const std::function<void()>& meanwhile) {
    auto agent = Agent::Start(options_);
    EXPECT_TRUE(agent) << agent.error().message;
    std::thread other(meanwhile);
    Status ran = (*agent)->Run();
    other.join();
    return ran;
  }
  size_t Copies() {
    size_t copies = 0;
    servers_->Call([&](mirror::ScriptedServer&, mirror::ScriptedServer& v2) { copies = v2.requests(); });
    return copies;
  }
  // Waits until the interface is tapped, by requests that are of another length than all others.
  void AwaitTap() {
    EXPECT_TRUE(WaitFor([this] {
      Load(servers_->v1(), {.threads = 1, .connections = 1, .requests = 1, .frame_bytes = kProbeBytes}).Join();
      return Copies() > 0;
    }));
  }
  std::vector<Contents> CopiesWithoutProbes() {
    std::vector<Contents> copies = servers_->Copies();
    std::erase_if(copies, [](const Contents& contents) { return contents.size() == kProbeBytes; });
    return copies;
  }

  sigset_t signals_before_{};
  AgentOptions options_;
};

TEST_F(AgentLab, SignalsAndNewRoutesUnderLoadAndThenTheEnd) {
  const size_t requests = 6'000;
  std::vector<Contents> sent;
  size_t threads = 0;
  const Status ran = Run([&] {
    AwaitTap();
    Load load(servers_->v1(), {.threads = 2, .connections = 16, .requests = requests / 2});
    threads = ThreadsNamed("rpctee-w");
    for (int i = 0; i < 3; ++i) {
      ::kill(::getpid(), SIGUSR1);
      ::kill(::getpid(), SIGHUP);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    load.Join();
    EXPECT_TRUE(WaitFor([&] { return CopiesWithoutProbes().size() >= requests; }));
    sent = load.Sent();
    ::kill(::getpid(), SIGTERM);
  });
  EXPECT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(threads, 3U);
  EXPECT_EQ(ThreadsNamed("rpctee-w"), 0U);
  EXPECT_TRUE(CopiesWithoutProbes() == sent);
  const nlohmann::json ledger = FinalLedger();
  EXPECT_EQ(ledger.value("balanced", false), true) << ledger;
  EXPECT_EQ(ledger.value("sent", size_t{0}), Copies()) << ledger;
}

TEST_F(AgentLab, AWorkerThatFailsEndsTheAgentWithAnError) {
  const std::vector<int> before = EpollSets();
  const Status ran = Run([&] {
    AwaitTap();
    Load load(servers_->v1(), {.threads = 2, .connections = 16, .requests = 0});
    // The last one made is the last worker's. Past the C library, where the thread sanitizer would call it a race.
    const std::vector<int> sets = EpollSets();
    EXPECT_EQ(sets.size(), before.size() + 1 + options_.tap.rings);
    const Fd nothing(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    ::syscall(SYS_dup3, nothing.get(), sets.back(), O_CLOEXEC);
    EXPECT_TRUE(WaitFor([] { return ThreadsNamed("rpctee-w") == 0; })) << "all have ended";
    load.Stop();
  });
  ASSERT_FALSE(ran);
  EXPECT_THAT(ran.error().message, HasSubstr("rpctee-w2: epoll_wait: "));
  const nlohmann::json ledger = FinalLedger();
  EXPECT_EQ(ledger.value("balanced", false), true) << ledger;
  EXPECT_GT(ledger.value("mirrored", 0), 0) << ledger;
}

}  // namespace
}  // namespace rpctee::agent
