// Watches an interface of the lab: on SIGTERM or SIGINT, one JSON line with what passed it, for each TCP direction.
//
// One thread with a packet socket. It sees what comes in before, and what goes out behind, the programs at the tc
// hooks.
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "packet_log.h"
#include "socket_stream.h"

namespace rpctee::watch {
namespace {

constexpr uint64_t kSocketNumber = 0;
constexpr uint64_t kSignalNumber = 1;
constexpr int kReadsInARow = 256;
// Everything that a case sends fits, so that nothing is lost however late the watcher gets its turn.
constexpr int kBufferBytes = 512 << 20;
constexpr size_t kPacketBytes = 256 * 1024;

Result<Fd> OpenSocket(const std::string& interface) {
  const unsigned int index = ::if_nametoindex(interface.c_str());
  if (index == 0) {
    return FailErrno(interface, errno);
  }
  // SOCK_DGRAM: from the network header on.
  Fd fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(index);
  if (!fd.valid() || ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kBufferBytes, sizeof(kBufferBytes)) != 0 ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return FailErrno("packet socket on " + interface, errno);
  }
  return fd;
}

// True when there may be more.
bool ReadPackets(int fd, std::vector<uint8_t>& buffer, PacketLog& log) {
  for (int i = 0; i < kReadsInARow; ++i) {
    const ssize_t bytes = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (bytes < 0) {
      return false;
    }
    log.Add(Bytes(buffer).first(static_cast<size_t>(bytes)));
  }
  return true;
}

std::string Report(int fd, const PacketLog& log) {
  tpacket_stats stats{};
  socklen_t length = sizeof(stats);
  ::getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length);
  nlohmann::ordered_json report;
  report["missed"] = stats.tp_drops;
  report["directions"] = nlohmann::ordered_json::object();
  for (const auto& [name, direction] : log.directions()) {
    report["directions"][name] = {{"packets", direction.packets},
                                  {"bytes", direction.bytes},
                                  {"any_order", direction.any_order},
                                  {"in_order", direction.in_order}};
  }
  return report.dump();
}

Status Watch(const std::string& interface, uint16_t port) {
  auto socket = OpenSocket(interface);
  auto signals = sample::SignalFd();
  auto epoll = sample::EpollSet::Create();
  if (!socket || !signals || !epoll) {
    return tl::unexpected(!socket ? socket.error() : !signals ? signals.error() : epoll.error());
  }
  Status added = epoll->Add(socket->get(), kSocketNumber, EPOLLIN);
  if (added) {
    added = epoll->Add(signals->get(), kSignalNumber, EPOLLIN);
  }
  std::fprintf(stderr, "watches %s\n", interface.c_str());
  PacketLog log(port);
  std::vector<uint8_t> buffer(kPacketBytes);
  for (bool end = false; added && !end;) {
    for (const epoll_event& event : epoll->Wait(-1)) {
      end = end || (event.data.u64 == kSignalNumber && sample::NextSignal(signals->get()) != SIGUSR1);
    }
    while (ReadPackets(socket->get(), buffer, log)) {
    }
  }
  if (added) {
    std::puts(Report(socket->get(), log).c_str());
  }
  return added;
}

}  // namespace
}  // namespace rpctee::watch

int main(int argc, char** argv) {
  std::string interface;
  uint16_t port = 20880;
  CLI::App app("Counts and hashes the TCP packets that pass an interface.");
  app.add_option("interface", interface)->required();
  app.add_option("--port", port, "only packets from or to it")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  const auto watched = rpctee::watch::Watch(interface, port);
  if (!watched) {
    std::fprintf(stderr, "rpctee-lab-watch: %s\n", watched.error().message.c_str());
  }
  return watched ? 0 : 1;
}
