// A pod behind a veth pair, real TCP into it past the pod's host side, and a count of what arrives: for tests of the
// tap beside other people's programs on that host side.
//
// As NamespaceLab: one test at a time, on the main thread, which stands in the node's namespace.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "lab/neighbour/neighbour.h"
#include "lab/tap/namespace_lab.h"
#include "tap/tap.h"

namespace rpctee::test {

class NeighbourLab : public NamespaceLab {
 protected:
  static constexpr uint16_t kPort = 20'880;
  static constexpr uint64_t kRequests = 50;

  void SetUp() override;
  void TearDown() override;

  void InPod(const std::function<void()>& work) const;
  // The tap, attached to nothing, with the pod as its endpoint.
  std::unique_ptr<tap::Tap> OpenTap(tap::TcxOrder order = tap::TcxOrder::kFirst) const;
  static uint64_t Counter(const tap::Tap& tap, std::string_view name);
  static std::unique_ptr<Neighbour> Load(int32_t verdict);

  // Sends kRequests over a new connection. True when all of them arrived; `dropped` tells that the first packet has
  // been dropped, which ends the wait.
  bool Exchange(const std::function<bool()>& dropped = [] { return false; }) const;
  // True as soon as `condition` is; false after ten seconds.
  static bool Eventually(const std::function<bool()>& condition);

  // TCP packets that came into the pod.
  uint64_t arrived() const { return arrivals_->packets(); }
  uint32_t ifindex() const { return ifindex_; }
  // What stands at the pod's host side, in order: programs at tcx but `except`, and filters but ours.
  std::vector<std::string> State(uint32_t except) const;

 private:
  Fd pod_;
  Fd listener_;
  uint32_t ifindex_ = 0;
  std::unique_ptr<Neighbour> arrivals_;
};

}  // namespace rpctee::test
