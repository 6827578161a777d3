// Turns in proportion to weights, each endpoint's spread evenly: the earliest deadline is next, and moves on by
// 1 / weight.
//
// Plain computation, one thread. The first deadlines are random within the first turn, so that workers and agents that
// start together do not all begin with the same endpoint. Memory: 16 bytes for each endpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "mirror/balancer.h"
#include "mirror/random.h"

namespace rpctee::mirror {

class TurnOrder {
 public:
  TurnOrder(const std::vector<BalancedEndpoint>& endpoints, Random& random);

  // Who is next among the usable, whose turn is over then. An endpoint that is not usable keeps its deadline as long as
  // that has not come, and does not get later what it missed. `cost`: in turns; what costs twice comes half as often.
  std::optional<size_t> Next(const Candidates& candidates, const std::function<double(size_t)>& cost);

 private:
  struct Turn {
    double deadline = 0;
    uint32_t index = 0;
    bool operator>(const Turn& other) const {
      return deadline != other.deadline ? deadline > other.deadline : index > other.index;
    }
  };
  Turn Pop();
  void Push(Turn turn);
  void StartAgainAtZero(double now);

  std::vector<double> step_;
  std::vector<Turn> heap_;
  std::vector<Turn> passed_over_;  // kept for its storage
};

}  // namespace rpctee::mirror
