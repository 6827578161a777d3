// Somebody else's tc program as a process: attaches, prints "attached", counts until SIGTERM, prints the count.
#include <arpa/inet.h>
#include <net/if.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>

#include "lab/neighbour/neighbour.h"

namespace {

using rpctee::test::Neighbour;
using rpctee::test::NeighbourOptions;

struct Place {
  std::string interface;
  rpctee::tap::Direction direction = rpctee::tap::Direction::kIngress;
  bool clsact = false;
  bool first = false;
  uint32_t priority = 1;
  uint32_t handle = 1;
};

rpctee::Status Attach(Neighbour& neighbour, const Place& place) {
  const uint32_t ifindex = ::if_nametoindex(place.interface.c_str());
  if (place.clsact) {
    return neighbour.AttachClsact(ifindex, place.direction, place.priority, place.handle);
  }
  return neighbour.AttachTcx(ifindex, place.direction,
                             place.first ? rpctee::tap::TcxOrder::kFirst : rpctee::tap::TcxOrder::kLast);
}

int Run(const NeighbourOptions& options, const Place& place) {
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigprocmask(SIG_BLOCK, &ends, nullptr);
  auto neighbour = Neighbour::Load(options);
  const rpctee::Status attached =
      neighbour ? Attach(**neighbour, place) : rpctee::Status(tl::unexpected(neighbour.error()));
  if (!attached) {
    std::fprintf(stderr, "rpctee-lab-neighbour: %s\n", attached.error().message.c_str());
    return 1;
  }
  std::fprintf(stderr, "attached to %s\n", place.interface.c_str());
  int signal = 0;
  sigwait(&ends, &signal);
  std::printf("%llu\n", static_cast<unsigned long long>((*neighbour)->packets()));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  NeighbourOptions options;
  Place place;
  std::string to, peer;
  bool egress = false;
  CLI::App app("Somebody else's tc program: counts TCP packets to a port and decides what becomes of them.");
  app.add_option("--interface", place.interface, "where")->required();
  app.add_flag("--egress", egress, "egress, instead of ingress");
  app.add_flag("--clsact", place.clsact, "by clsact, instead of tcx");
  app.add_flag("--first", place.first, "in front of all that are at tcx");
  app.add_option("--priority", place.priority, "of the clsact filter");
  app.add_option("--handle", place.handle, "of the clsact filter");
  app.add_option("--port", options.port, "TCP port");
  app.add_option("--to", to, "IPv4 address; default: any");
  app.add_option("--verdict", options.verdict, "what it returns: -1 = unspec, 0 = ok, 2 = shot, 3 = pipe");
  app.add_option("--redirect-peer", peer, "redirect to the other end of this veth instead");
  CLI11_PARSE(app, argc, argv);
  place.direction = egress ? rpctee::tap::Direction::kEgress : rpctee::tap::Direction::kIngress;
  options.peer_of = peer.empty() ? 0 : ::if_nametoindex(peer.c_str());
  if (!to.empty() && ::inet_pton(AF_INET, to.c_str(), &options.to_be) != 1) {
    std::fprintf(stderr, "rpctee-lab-neighbour: %s is no IPv4 address\n", to.c_str());
    return 1;
  }
  return Run(options, place);
}
