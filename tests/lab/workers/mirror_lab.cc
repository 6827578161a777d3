#include "lab/workers/mirror_lab.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>

#include <algorithm>
#include <future>

#include "support/dubbo_frames.h"

namespace rpctee::agent {
namespace {

constexpr size_t kIdOffset = 4;
constexpr size_t kIdBytes = 8;
constexpr Duration kWait = std::chrono::seconds(30);

Contents WithoutId(Bytes frame) {
  Contents contents(frame.begin(), frame.end());
  std::fill_n(contents.begin() + kIdOffset, kIdBytes, 0);
  return contents;
}

}  // namespace

Fd Connect(const SocketAddress& endpoint) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  // From another address than the agent: the kernel may give one local port to connections to v1 and to v2, and what
  // comes from an address of the agent's own is never mirrored.
  SocketAddress source = SocketAddress::Parse("127.0.0.9:1").value();
  source.port = 0;
  sockaddr_storage name{};
  socklen_t length = source.ToSockaddr(name);
  EXPECT_EQ(::bind(fd.get(), reinterpret_cast<sockaddr*>(&name), length), 0);
  length = endpoint.ToSockaddr(name);
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&name), length), 0);
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

bool WaitFor(const std::function<bool()>& condition) {
  const TimePoint end = Clock::now() + kWait;
  while (!condition()) {
    if (Clock::now() > end) {
      return false;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

Servers::Servers() : loop_(std::move(*EventLoop::Create())) {
  v1_server_ = std::make_unique<mirror::ScriptedServer>(loop_, kPort);
  v2_server_ = std::make_unique<mirror::ScriptedServer>(loop_);
  v1_server_->ScriptNothing();
  v1_server_->SetKeepingFrames(false);
  v1_address_ = v1_server_->address();
  v2_address_ = v2_server_->address();
  thread_ = std::thread([this] { Run(); });
}

Servers::~Servers() {
  stop_ = true;
  loop_.Wake();
  thread_.join();
}

void Servers::Run() {
  while (!stop_) {
    std::function<void()> work;
    {
      const std::lock_guard lock(mutex_);
      work.swap(work_);
    }
    if (work) {
      work();
    }
    ASSERT_TRUE(loop_.RunOnce(std::chrono::milliseconds(100)));
  }
  v1_server_.reset();
  v2_server_.reset();
}

void Servers::Call(const std::function<void(mirror::ScriptedServer& v1, mirror::ScriptedServer& v2)>& work) {
  std::promise<void> done;
  {
    const std::lock_guard lock(mutex_);
    work_ = [&] {
      work(*v1_server_, *v2_server_);
      done.set_value();
    };
  }
  loop_.Wake();
  done.get_future().wait();
}

std::vector<Contents> Servers::Copies() {
  std::vector<Contents> copies;
  Call([&copies](mirror::ScriptedServer&, mirror::ScriptedServer& v2) {
    for (const mirror::ScriptedServer::Message& message : v2.log()) {
      copies.push_back(WithoutId(message.frame));
    }
  });
  std::sort(copies.begin(), copies.end());
  return copies;
}

Load::Load(const SocketAddress& endpoint, const Options& options) : sent_(options.threads) {
  for (size_t thread = 0; thread < options.threads; ++thread) {
    threads_.emplace_back([this, endpoint, options, thread] { Send(endpoint, options, thread); });
  }
}

void Load::Send(const SocketAddress& endpoint, const Options& options, size_t thread) {
  std::vector<Fd> connections;
  for (size_t i = 0; i < options.connections; ++i) {
    connections.push_back(Connect(endpoint));
  }
  for (size_t i = 0; !stop_ && (options.requests == 0 || i < options.requests); ++i) {
    test::DubboRequestOptions request;
    request.attachments = {{"request", std::to_string(thread) + "-" + std::to_string(i)}};
    const std::vector<uint8_t> frame = test::DubboRequest(i, options.frame_bytes, request);
    const Fd& connection = connections[i % connections.size()];
    ASSERT_EQ(::send(connection.get(), frame.data(), frame.size(), MSG_NOSIGNAL), static_cast<ssize_t>(frame.size()));
    sent_[thread].push_back(WithoutId(frame));
  }
}

void Load::Join() {
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
}

void Load::Stop() {
  stop_ = true;
  Join();
}

std::vector<Contents> Load::Sent() const {
  std::vector<Contents> all;
  for (const std::vector<Contents>& of_thread : sent_) {
    all.insert(all.end(), of_thread.begin(), of_thread.end());
  }
  std::sort(all.begin(), all.end());
  return all;
}

void MirrorLab::SetUp() {
  // Before there are threads, as in the program: what the logger's library does is hidden from the thread sanitizer.
  (void)spdlog::default_logger();
  NamespaceLab::SetUp();
  if (!IsSkipped()) {
    servers_ = std::make_unique<Servers>();
  }
}

void MirrorLab::TearDown() {
  servers_.reset();
  NamespaceLab::TearDown();
}

std::shared_ptr<const route::Snapshot> MirrorLab::Routes() const {
  route::Route route;
  route.clusters = {"v1"};
  route.mirrors = {{.cluster = "v2", .share = {route::kMillion}, .origin = {}}};
  route::RouteSet set;
  set.configs = {{.name = "demo_20880", .interface_name = "org.example.DemoService", .routes = {route}, .origin = {}}};
  set.clusters = {{"v1", {{.address = servers_->v1()}}}, {"v2", {{.address = servers_->v2()}}}};
  return route::Snapshot::Build(set).value();
}

}  // namespace rpctee::agent
