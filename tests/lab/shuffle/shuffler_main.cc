// Stands at a TUN device through which the lab's consumer and provider talk, and gives back what it reads there,
// shuffled.
//
// One thread: one epoll set over the device and signals. SIGTERM and SIGINT end it with one JSON line of counts.
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "shuffler.h"
#include "socket_stream.h"

namespace rpctee::shuffle {
namespace {

constexpr uint64_t kDeviceNumber = 0;
constexpr uint64_t kSignalNumber = 1;
constexpr int kReadsInARow = 64;  // then what waits gets its turn

Result<Fd> OpenTun(const std::string& name) {
  Fd fd(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fd.valid()) {
    return FailErrno("/dev/net/tun", errno);
  }
  ifreq request{};
  name.copy(request.ifr_name, sizeof(request.ifr_name) - 1);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
    return FailErrno("TUN device " + name, errno);
  }
  return fd;
}

class Device {
 public:
  Device(Fd fd, const ShuffleOptions& options)
      : fd_(std::move(fd)), shuffler_(options, [this](Bytes packet) {
          written_ += ::write(fd_.get(), packet.data(), packet.size()) == static_cast<ssize_t>(packet.size()) ? 1 : 0;
        }) {}
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  void TakePackets() {
    for (int i = 0; i < kReadsInARow; ++i) {
      const ssize_t bytes = ::read(fd_.get(), buffer_.data(), buffer_.size());
      if (bytes <= 0) {
        break;
      }
      shuffler_.Take(Bytes(buffer_).first(static_cast<size_t>(bytes)), Clock::now());
    }
    shuffler_.Release(Clock::now());
  }

  // How long nothing is due; rounded up, as what waits may wait a little longer.
  int WaitMilliseconds() const {
    const auto next = shuffler_.NextRelease();
    if (!next) {
      return -1;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
    return static_cast<int>(std::max<int64_t>(0, left.count()));
  }

  std::string Report() const {
    const ShuffleCounts& counts = shuffler_.counts();
    nlohmann::ordered_json report;
    report["packets"] = counts.packets;
    report["lost"] = counts.lost;
    report["delayed"] = counts.delayed;
    report["overtaken"] = counts.overtaken;
    report["doubled"] = counts.doubled;
    report["hurried"] = counts.hurried;
    report["held"] = shuffler_.held();
    report["written"] = written_;
    return report.dump();
  }

  int fd() const { return fd_.get(); }

 private:
  Fd fd_;
  Shuffler shuffler_;
  uint64_t written_ = 0;
  std::array<uint8_t, 65'536> buffer_{};
};

Status Run(Device& device) {
  auto signals = sample::SignalFd();
  auto epoll = sample::EpollSet::Create();
  if (!signals || !epoll) {
    return tl::unexpected(signals ? epoll.error() : signals.error());
  }
  Status added = epoll->Add(device.fd(), kDeviceNumber, EPOLLIN);
  if (added) {
    added = epoll->Add(signals->get(), kSignalNumber, EPOLLIN);
  }
  while (added) {
    for (const epoll_event& event : epoll->Wait(device.WaitMilliseconds())) {
      if (event.data.u64 == kSignalNumber && sample::NextSignal(signals->get()) != SIGUSR1) {
        return {};
      }
    }
    device.TakePackets();
  }
  return added;
}

int Main(int argc, char** argv) {
  ShuffleOptions options;
  std::string name = "tun0";
  int64_t max_wait_us = 5'000;
  CLI::App app("Loses, delays and doubles packets that are routed through a TUN device.");
  app.add_option("--device", name)
      ->check(CLI::Validator([](const std::string& text) { return text.size() < IFNAMSIZ ? "" : "too long"; }, "NAME"));
  app.add_option("--seed", options.seed)->capture_default_str();
  app.add_option("--loss", options.loss_percent, "percent")->check(CLI::Range(0, 100))->capture_default_str();
  app.add_option("--delay", options.delay_percent, "percent")->check(CLI::Range(0, 100))->capture_default_str();
  app.add_option("--double", options.double_percent, "percent")->check(CLI::Range(0, 100))->capture_default_str();
  app.add_option("--max-behind", options.max_behind, "a delayed packet lets 1 to so many pass")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_option("--max-wait-us", max_wait_us, "and waits no longer than that")->check(CLI::Range(0, 1'000'000));
  CLI11_PARSE(app, argc, argv);
  options.max_wait = std::chrono::microseconds(max_wait_us);

  auto tun = OpenTun(name);
  if (!tun) {
    std::fprintf(stderr, "rpctee-lab-shuffler: %s\n", tun.error().message.c_str());
    return 1;
  }
  Device device(std::move(*tun), options);
  std::fprintf(stderr, "shuffles what comes through %s\n", name.c_str());
  const Status ran = Run(device);
  std::puts(device.Report().c_str());
  if (!ran) {
    std::fprintf(stderr, "rpctee-lab-shuffler: %s\n", ran.error().message.c_str());
  }
  return ran ? 0 : 1;
}

}  // namespace
}  // namespace rpctee::shuffle

int main(int argc, char** argv) { return rpctee::shuffle::Main(argc, argv); }
